"""The customer keys of a block as one JSON array, which the database takes apart.

To insert a row for each key costs far more (docs/decisions/0170).
"""

from collections.abc import Sequence
from typing import Final

import orjson
from sqlalchemy import JSON, ColumnElement, Integer, TableValuedAlias, Text, bindparam, cast, column, func

BLOCK: Final = bindparam("block", type_=Text)
"""The array, as the parameter of a query."""
_VALUE: Final = column("value", Text)


def keys_as_json(keys: Sequence[str | None]) -> str:
    """Return a JSON array of keys. SQLite's arrays cannot hold the character 0, so a key that has it becomes null."""
    as_json = orjson.dumps(keys)
    if b"\\u0000" in as_json:
        as_json = orjson.dumps([None if key and "\0" in key else key for key in keys])
    return as_json.decode()


def each_key(keys: ColumnElement[str], dialect: str) -> tuple[TableValuedAlias, ColumnElement[int]]:
    """Return the keys of an array as rows with a `value`, and the position of each of them."""
    if dialect == "postgresql":
        rows = func.json_array_elements_text(cast(keys, JSON)).table_valued(_VALUE, with_ordinality="ordinality")
        block = rows.render_derived(name="block")
        return block, cast(block.c.ordinality - 1, Integer)
    block = func.json_each(keys).table_valued(_VALUE, column("key", Integer), name="block")
    return block, block.c.key

"""Convert customer records to table rows: the columns of a customer file first, then everything else ARM shows."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from armrest.model.customer import FIELDS, CustomerRecord
from armrest.model.field_groups import GROUPS

_WRITABLE: Final = [
    column
    for field in ("customerNo", *FIELDS)
    for column in (GROUPS[field].columns.values() if field in GROUPS else [field])
]
COLUMNS: Final = tuple(
    dict.fromkeys([*_WRITABLE, *(field for field in CustomerRecord.__annotations__ if field not in GROUPS)])
)
"""The columns of the documented fields."""


def cells_of(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a record's cells by column; a list is joined by `;`, and a value of another type becomes JSON."""
    cells: dict[str, str | None] = {}
    for field, value in record.items():
        if field in GROUPS and isinstance(value, Mapping):
            columns = GROUPS[field].columns
            cells |= {columns.get(name, f"{field}.{name}"): _cell(member) for name, member in value.items()}
        elif field not in GROUPS or value is not None:
            cells[field] = _cell(value)
    return cells


def columns_for(seen: Iterable[str]) -> list[str]:
    """Return the documented columns, and after them those that are new to us."""
    return list(dict.fromkeys([*COLUMNS, *sorted(seen)]))


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return ";".join(value)
    return orjson.dumps(value).decode()

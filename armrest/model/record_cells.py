"""Convert customer records to table rows: the columns of a customer file first, then everything else ARM shows."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from armrest.model.customer import ADDRESS_FIELDS, FIELDS, CustomerRecord

_GROUPS: Final = {
    "postalAddress": {name: name for name in ADDRESS_FIELDS},
    "distribution": {"type": "distributionType", "einvoiceCode": "einvoiceCode"},
}
"""Objects whose members have columns of their own: the name of each member's column."""

_WRITABLE: Final = [
    column for field in ("customerNo", *FIELDS) for column in _GROUPS.get(field, {field: field}).values()
]
COLUMNS: Final = tuple(
    dict.fromkeys([*_WRITABLE, *(field for field in CustomerRecord.__annotations__ if field not in _GROUPS)])
)
"""The columns of the documented fields."""


def cells_of(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a record's cells by column; a list is joined by `;`, and a value of another type becomes JSON."""
    cells: dict[str, str | None] = {}
    for field, value in record.items():
        if field in _GROUPS and isinstance(value, Mapping):
            cells |= {_GROUPS[field].get(name, f"{field}.{name}"): _cell(member) for name, member in value.items()}
        elif field not in _GROUPS or value is not None:
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

"""From checked columns to customers: what is empty is not sent, and ARM's models say the last word."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from armrest.api.models import ADDRESS_FIELDS, CUSTOMERS, CustomerUpdate
from armrest.intake.columns import DISTRIBUTION_FIELDS, LIST_FIELDS, PLAIN_FIELDS
from armrest.intake.rules import items

Columns = Mapping[str, Sequence[str]]
"""The cells of each field that has a column."""


def drafts(columns: Columns) -> list[dict[str, Any]]:
    """A customer for each row, its empty cells left out; where any address cell is filled, all seven are sent."""
    values: dict[str, Iterable[Any]] = {"customerNo": columns["customerNo"]}
    values |= {field: columns[field] for field in PLAIN_FIELDS if field in columns}
    values |= {field: _lists(columns[field]) for field in LIST_FIELDS if field in columns}
    values |= {"postalAddress": _addresses(columns), "distribution": _distributions(columns)}
    fields = tuple(values)
    rows = zip(*values.values(), strict=True)
    return [{field: value for field, value in zip(fields, row, strict=True) if value} for row in rows]


def validated(customers: list[dict[str, Any]]) -> tuple[list[CustomerUpdate], dict[int, str]]:
    """What ARM's models make of them: the customers that fit, and for the position of each other one its field."""
    try:
        return CUSTOMERS.validate_python(customers), {}
    except ValidationError as error:
        unfit = {int(at): str(field) for at, field, *_ in (fault["loc"] for fault in error.errors(include_input=False))}
        return CUSTOMERS.validate_python([one for at, one in enumerate(customers) if at not in unfit]), unfit


def _lists(cells: Sequence[str]) -> Iterator[list[str]]:
    return (items(cell) if ";" in cell else [cell] if cell else [] for cell in cells)


def _addresses(columns: Columns) -> Iterator[dict[str, str] | None]:
    rows = _together(columns, ADDRESS_FIELDS)
    return (dict(zip(ADDRESS_FIELDS, cells, strict=True)) if any(cells) else None for cells in rows)


def _distributions(columns: Columns) -> Iterator[dict[str, Any]]:
    pairs = list(_together(columns, DISTRIBUTION_FIELDS))
    made = {pair: _distribution(*pair) for pair in set(pairs)}
    return (made[pair] for pair in pairs)


def _distribution(kind: str, einvoice_code: str) -> dict[str, Any]:
    return ({"type": kind} if kind else {}) | ({"einvoiceCode": int(einvoice_code)} if einvoice_code else {})


def _together(columns: Columns, fields: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The cells of several fields row by row, empty where a field has no column."""
    nothing = [""] * len(columns["customerNo"])
    return zip(*(columns.get(field, nothing) for field in fields), strict=True)

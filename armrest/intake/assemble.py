"""From checked columns to customers: what is nothing is not sent, and ARM's models say the last word."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from armrest.api.models import ADDRESS_FIELDS, CUSTOMERS, CustomerUpdate
from armrest.intake.column import Column, items
from armrest.intake.fields import DISTRIBUTION_FIELDS, LIST_FIELDS, PLAIN_FIELDS

Columns = Mapping[str, Column]
"""The column of each field that the source has."""


def drafts(columns: Columns, *, explicit: bool = False, clear: Collection[str] = ()) -> list[dict[str, Any]]:
    """A customer for each row, without what is not sent.

    Args:
        explicit: The source itself says what is not there, and its `""` is a value.
        clear: The fields of which an empty cell is sent as a blank.
    """
    values: dict[str, Iterable[Any]] = {"customerNo": columns["customerNo"].cells}
    for field in (*PLAIN_FIELDS, *LIST_FIELDS):
        if field in columns:
            sent = columns[field].values(clear=explicit or field in clear)
            values[field] = _lists(sent) if field in LIST_FIELDS else sent
    for group, leaves, made in (
        ("postalAddress", ADDRESS_FIELDS, _addresses),
        ("distribution", DISTRIBUTION_FIELDS, _distributions),
    ):
        if not columns.keys().isdisjoint(leaves):
            values[group] = made(columns, clear=explicit or group in clear)
    fields = tuple(values)
    rows = zip(*values.values(), strict=True)
    return [{field: value for field, value in zip(fields, row, strict=True) if value is not None} for row in rows]


def validated(customers: list[dict[str, Any]]) -> tuple[list[CustomerUpdate], dict[int, str]]:
    """What ARM's models make of them: the customers that fit, and for the position of each other one its field."""
    try:
        return CUSTOMERS.validate_python(customers), {}
    except ValidationError as error:
        unfit = {int(at): str(field) for at, field, *_ in (fault["loc"] for fault in error.errors(include_input=False))}
        return CUSTOMERS.validate_python([one for at, one in enumerate(customers) if at not in unfit]), unfit


def _lists(sent: Sequence[str | None]) -> list[list[str] | None]:
    return [cell if cell is None else items(cell) or None if ";" in cell else [cell] if cell else [] for cell in sent]


def _addresses(columns: Columns, *, clear: bool) -> Iterator[dict[str, str] | None]:
    """Where any of it is sent, all of it is: ARM would make blank what is not."""
    nothing = [""] * len(columns["customerNo"].cells)
    rows = list(zip(*(columns[leaf].cells if leaf in columns else nothing for leaf in ADDRESS_FIELDS), strict=True))
    sent = map(any, _sent(columns, ADDRESS_FIELDS)) if clear else map(any, rows)
    return (dict(zip(ADDRESS_FIELDS, row, strict=True)) if go else None for row, go in zip(rows, sent, strict=True))


def _sent(columns: Columns, leaves: Iterable[str]) -> Iterator[tuple[bool, ...]]:
    """Row by row, which of these fields are there, be they empty or not."""
    found = [columns[leaf] for leaf in leaves if leaf in columns]
    return zip(*([cell is not None for cell in column.values(clear=True)] for column in found), strict=True)


def _distributions(columns: Columns, *, clear: bool) -> Iterator[dict[str, Any] | None]:
    nothing = [None] * len(columns["customerNo"].cells)
    found = [columns[leaf].values(clear=clear) if leaf in columns else nothing for leaf in DISTRIBUTION_FIELDS]
    pairs = list(zip(*found, strict=True))
    made = {pair: _distribution(*pair) for pair in set(pairs)}
    return (made[pair] for pair in pairs)


def _distribution(kind: str | None, einvoice_code: str | None) -> dict[str, Any] | None:
    """A number has no blank: where `einvoiceCode` is to be cleared, ARM's is kept."""
    sent: dict[str, Any] = {} if kind is None else {"type": kind}
    return (sent | {"einvoiceCode": int(einvoice_code)} if einvoice_code else sent) or None

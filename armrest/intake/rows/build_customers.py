"""Build customers from checked columns: missing values are not sent, and ARM's models have the final say."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from armrest.intake.rules import Column, is_whole_number, items
from armrest.model import (
    ADDRESS_FIELDS,
    CUSTOMERS,
    GROUPS,
    LIST_FIELDS,
    PLAIN_FIELDS,
    CustomerUpdate,
    FieldGroup,
    PostalAddress,
)

Columns = Mapping[str, Column]
"""The column of each field that the source has."""


def build_drafts(
    columns: Columns, *, explicit: bool = False, clear: Collection[str] = (), parts: bool = False
) -> list[dict[str, Any]]:
    """A customer for each row, with only the fields to send; nothing is checked here.

    Args:
        explicit: Whether the source marks missing values, so that `""` is a value.
        clear: The fields whose empty cells are sent as blanks.
        parts: Whether to send only the given fields of an address; otherwise all of them.
    """
    values: dict[str, Iterable[Any]] = {"customerNo": columns["customerNo"].cells}
    values |= _sent(columns, explicit=explicit, clear=clear)
    if parts and "postalAddress" in values:
        values["postalAddress"] = _parts_of_addresses(columns, clear=explicit or "postalAddress" in clear)
    fields = tuple(values)
    rows = zip(*values.values(), strict=True)
    # a keyword for zip would cost as much as all the pairing
    return [{field: value for field, value in zip(fields, row) if value is not None} for row in rows]  # noqa: B905


def validate_drafts(customers: list[dict[str, Any]]) -> tuple[list[CustomerUpdate], dict[int, str]]:
    """Validate with ARM's models; return the valid customers, and the field at fault of each other by position."""
    try:
        return CUSTOMERS.validate_python(customers), {}
    except ValidationError as error:
        paths = (fault["loc"] for fault in error.errors(include_input=False))
        unfit = {int(index): str(field) for index, field, *_ in paths}
        fitting = [customer for index, customer in enumerate(customers) if index not in unfit]
        return CUSTOMERS.validate_python(fitting), unfit


def _sent(columns: Columns, *, explicit: bool, clear: Collection[str]) -> Iterator[tuple[str, Iterable[Any]]]:
    """Each field and its values to send, row by row; None is not sent."""
    for field in (*PLAIN_FIELDS, *LIST_FIELDS):
        if field in columns:
            values = columns[field].values(clear=explicit or field in clear)
            yield field, _lists(values) if field in LIST_FIELDS else values
    for field, group in GROUPS.items():
        if not columns.keys().isdisjoint(group.columns.values()):
            clears = explicit or field in clear
            is_address = field == "postalAddress"
            yield field, _addresses(columns, clear=clears) if is_address else _objects(columns, group, clear=clears)


def _lists(values: Sequence[str | None]) -> list[list[str] | None]:
    return [it if it is None else items(it) or None if ";" in it else [it] if it else [] for it in values]


def _addresses(columns: Columns, *, clear: bool) -> Iterator[PostalAddress | None]:
    """The addresses, each whole: see `armrest.model.address_replacement`. Written out, which is three times as fast."""
    blanks = [""] * len(columns["customerNo"].cells)
    rows = list(zip(*(columns[leaf].cells if leaf in columns else blanks for leaf in ADDRESS_FIELDS), strict=True))
    sent = map(any, _there(columns, ADDRESS_FIELDS)) if clear else map(any, rows)
    return (
        {
            "addressLine1": line1,
            "addressLine2": line2,
            "addressLine3": line3,
            "postalCode": code,
            "cityName": city,
            "countryText": country,
            "countryCode": country_code,
        }
        if is_sent
        else None
        for (line1, line2, line3, code, city, country, country_code), is_sent in zip(rows, sent, strict=True)
    )


def _parts_of_addresses(columns: Columns, *, clear: bool) -> Iterator[dict[str, str] | None]:
    leaves = [leaf for leaf in ADDRESS_FIELDS if leaf in columns]
    rows = zip(*(columns[leaf].values(clear=clear) for leaf in leaves), strict=True)
    for row in rows:
        yield {leaf: cell for leaf, cell in zip(leaves, row, strict=True) if cell is not None} or None


def _there(columns: Columns, leaves: Iterable[str]) -> Iterator[tuple[bool, ...]]:
    """Row by row, which of these fields are present, empty or not."""
    present = [columns[leaf] for leaf in leaves if leaf in columns]
    return zip(*([cell is not None for cell in column.values(clear=True)] for column in present), strict=True)


def _objects(columns: Columns, group: FieldGroup, *, clear: bool) -> Iterator[dict[str, Any] | None]:
    """The values of a group whose members are kept each by itself; rows that are alike share one object."""
    missing = [None] * len(columns["customerNo"].cells)
    cells = [columns[it].values(clear=clear) if it in columns else missing for it in group.columns.values()]
    rows = list(zip(*cells, strict=True))
    objects = {row: _object(group, row) for row in set(rows)}
    return map(objects.__getitem__, rows)


def _object(group: FieldGroup, row: Sequence[str | None]) -> dict[str, Any] | None:
    """One row's members; a number cannot be blank, so clearing it keeps ARM's value."""
    sent: dict[str, Any] = {}
    for member, cell in zip(group.columns, row, strict=True):
        if member not in group.numbers:
            if cell is not None:
                sent[member] = cell
        elif cell:
            sent[member] = int(cell) if is_whole_number(cell) else cell
    return sent or None

"""Turn the cells of a customer file into the customers of the records."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from armrest.sandbox.arm import NEW_CUSTOMER, Customer

Row = dict[str, str]
"""A row's cells by column; an empty cell is `""`."""

_GROUPS: Final = {
    **{field: ("postalAddress", field) for field in NEW_CUSTOMER["postalAddress"]},
    "distributionType": ("distribution", "type"),
    "einvoiceCode": ("distribution", "einvoiceCode"),
}
"""The columns of a group: the group, and the field in it."""

COLUMNS: Final = tuple(
    column
    for field in NEW_CUSTOMER
    for column in ([name for name, (group, _) in _GROUPS.items() if group == field] or [field])
)
"""The columns of a customer file, in the order of the API's example."""


def customer_of(row: Row) -> Customer:
    """Return the customer of a row; empty cells are left out.

    Raises:
        ValueError: `einvoiceCode` is not a number.
    """
    customer: Customer = {}
    for column, cell in row.items():
        if not cell:
            continue
        if column in _GROUPS:
            group, key = _GROUPS[column]
            customer.setdefault(group, {})[key] = _value(key, cell)
        else:
            customer[column] = _value(column, cell)
    return customer


def customers_in(path: Path) -> Iterator[Customer]:
    """Yield the customers of a UTF-8 CSV with our columns; rows without a number or with a wrong code are skipped."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("customerNo") and (row.get("einvoiceCode") or "0").isdecimal():
                yield customer_of({column: cell for column, cell in row.items() if column in COLUMNS and cell})


def _value(field: str, cell: str) -> Any:
    if field in {"emailAddressDocument", "secondaryEmailAddress"}:
        return [item.strip() for item in cell.split(";")]
    return int(cell) if field == "einvoiceCode" else cell

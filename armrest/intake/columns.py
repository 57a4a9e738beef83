"""From the source's header to ARM's fields: which column holds which."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from armrest.api.models import ADDRESS_FIELDS, FIELDS
from armrest.intake.errors import InputRefused

DISTRIBUTION_FIELDS: Final = {"distributionType": "type", "einvoiceCode": "einvoiceCode"}
LIST_FIELDS: Final = ("emailAddressDocument", "secondaryEmailAddress")
PLAIN_FIELDS: Final = tuple(field for field in FIELDS if field not in {"postalAddress", "distribution", *LIST_FIELDS})
NEEDED_ADDRESS_FIELDS: Final = ("addressLine1", "postalCode", "cityName")

REJECT_COLUMNS: Final = ("_row", "_field", "_error")
"""What a rejects file adds; ignored when it is fed back."""

KNOWN: Final = {name: name for name in ("customerNo", *PLAIN_FIELDS, *LIST_FIELDS)} | {
    header: leaf
    for group, leaves in (
        ("postalAddress", dict(zip(ADDRESS_FIELDS, ADDRESS_FIELDS, strict=True))),
        ("distribution", DISTRIBUTION_FIELDS),
    )
    for leaf, key in leaves.items()
    for header in (leaf, f"{group}.{key}")
}
"""Every header that is understood, and the field that its column holds."""


def fields_of(columns: Sequence[str], *, source: str) -> dict[str, int]:
    """The position of each field's column; ARM's names are case-sensitive, and so are these.

    Raises:
        InputRefused: A column is unknown, `customerNo` is missing, or two columns hold the same field.
    """
    found: dict[str, int] = {}
    for position, column in enumerate(columns):
        if column in REJECT_COLUMNS:
            continue
        if column not in KNOWN:
            raise _unknown(column, position, source=source, complete="customerNo" in columns)
        field = KNOWN[column]
        if field in found:
            raise InputRefused(
                f"{source}: columns {found[field] + 1} and {position + 1} both hold {field}; keep one of them",
                code="column-twice",
                column=column,
            )
        found[field] = position
    if "customerNo" not in found:
        raise InputRefused(
            f"{source}: there is no column customerNo; name the column with the customer numbers so",
            code="missing-column",
            column="customerNo",
        )
    return found


def _unknown(column: str, position: int, *, source: str, complete: bool) -> InputRefused:
    folded = {name.casefold(): name for name in KNOWN}
    nearest = folded[get_close_matches(column.casefold(), folded, n=1, cutoff=0.0)[0]]
    what = f'unknown column "{column[:60]}"' if column else f"column {position + 1} has no name"
    missing = "" if complete else ", and there is no column customerNo"
    return InputRefused(
        f"{source}: {what} (the nearest known one is {nearest}){missing}; rename it or leave it out",
        code="unknown-column",
        column=column,
    )

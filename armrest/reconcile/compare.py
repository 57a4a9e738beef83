"""Compare an expected customer with ARM's record of it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from unicodedata import normalize

from armrest.model import NUMBER_PATHS, CustomerRecord, CustomerUpdate, address_after

CODES: Final = frozenset({"customerCategory", "postalAddress.countryCode", "distribution.type"})
"""Compared without regard to case; Amili documents that for searching ARM's values, not for showing them."""


def differences(expected: CustomerUpdate, record: CustomerRecord) -> dict[str, tuple[str, str]]:
    """Return the fields that differ, each with the expected value and ARM's value, as text.

    Fields that were not sent are not compared, except in the postal address. Blanks are equal, whether ARM shows `""`,
    `null` or nothing.
    """
    actual = dict(_fields(record))
    return {
        field: (value, actual.get(field, ""))
        for field, value in _fields({**expected, "postalAddress": address_after(expected.get("postalAddress"))})
        if _folded(field, value) != _folded(field, actual.get(field, ""))
    }


def _fields(customer: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value that is not null as text, with its path, except the customer number."""
    for field, value in customer.items():
        if isinstance(value, Mapping):
            yield from _fields(value, f"{above}{field}.")
        elif value is not None and f"{above}{field}" != "customerNo":
            yield f"{above}{field}", _text(value)


def _text(value: Any) -> str:
    text = ";".join(map(str, value)) if isinstance(value, list) else str(value)
    return normalize("NFC", text).strip()


def _folded(field: str, value: str) -> str | Decimal:
    """Return what is compared: of a number its value, because JSON has `90`, `90.0` and `"90"` for it."""
    if field in NUMBER_PATHS:
        with suppress(InvalidOperation):
            number = Decimal(value)
            if number.is_finite():
                return number
    return value.casefold() if field in CODES else value

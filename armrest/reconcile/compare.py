"""Where a customer as it was to be, and as ARM holds it, differ."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from unicodedata import normalize

from armrest.model import ADDRESS_FIELDS, CustomerRecord, CustomerUpdate

CODES: Final = frozenset({"customerCategory", "postalAddress.countryCode", "distribution.type"})
"""Compared in any case of letters; of ARM's data values Amili documents that for finding, not for showing."""


def differences(wanted: CustomerUpdate, held: CustomerRecord) -> dict[str, tuple[str, str]]:
    """Return the fields that differ, each with what was wanted and what is held, as text.

    What was not sent is not compared. A blank is a blank, whether ARM shows it as `""`, `null` or not at all; of the
    postal address, which is replaced whole, what was not sent was to be blank.
    """
    there = dict(_leaves(held))
    return {
        field: (value, there.get(field, ""))
        for field, value in _leaves(_complete(wanted))
        if _folded(field, value) != _folded(field, there.get(field, ""))
    }


def _complete(wanted: CustomerUpdate) -> Mapping[str, Any]:
    address = wanted.get("postalAddress")
    if not address or all(value is None for value in address.values()):
        return {**wanted, "postalAddress": None}
    sent: Mapping[str, Any] = address
    return {**wanted, "postalAddress": {field: sent.get(field) or "" for field in ADDRESS_FIELDS}}


def _leaves(customer: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value that says something as text, under its path; the number aside, by which it was found."""
    for field, value in customer.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{field}.")
        elif value is not None and f"{above}{field}" != "customerNo":
            yield f"{above}{field}", _text(value)


def _text(value: Any) -> str:
    text = ";".join(map(str, value)) if isinstance(value, list) else str(value)
    return normalize("NFC", text).strip()


def _folded(field: str, value: str) -> str:
    return value.casefold() if field in CODES else value

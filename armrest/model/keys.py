"""The key of a customer number: the only answer to the question whether two numbers mean the same customer."""

from collections.abc import Sequence
from unicodedata import normalize


def customer_key(number: str) -> str:
    """Return the key of a customer number; two numbers with the same key are the same customer.

    It is NFC(casefold(NFC(number))).

    Source: ARM's data values are not case-sensitive (documented). That this holds beyond ASCII, and that a letter may
    be written in one or in several code points, is assumed.
    """
    if number.isascii():
        return number.lower()
    return normalize("NFC", normalize("NFC", number).casefold())


def customer_keys(numbers: Sequence[str]) -> Sequence[str]:
    """Return the key of each number, in order; fast if every number is its own key, as digits are."""
    joined = "".join(numbers)
    if joined.isascii() and joined == joined.lower():
        return numbers
    return list(map(customer_key, numbers))

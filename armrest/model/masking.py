"""Mask customers for display: keep the shape of personal data, without the data."""

import re
from typing import Any, Final

from armrest.model.customer import CustomerUpdate

SHOWN: Final = frozenset({"customerNo", "customerCategory", "countryCode", "type", "einvoiceCode"})
"""Keys whose values are shown if they look like codes; a cell in the wrong column does not."""

_CODE: Final = re.compile("[A-Z0-9]{1,8}")


def masked(customer: CustomerUpdate) -> dict[str, Any]:
    """The customer with `x` for every letter and `9` for every digit, except its number and codes."""
    return {key: value if _is_shown(key, value) else _masked(value) for key, value in customer.items()}


def masked_text(text: str) -> str:
    """A text with `x` for every letter and `9` for every digit."""
    return "".join("9" if it.isdigit() else "X" if it.isupper() else "x" if it.isalpha() else it for it in text)


def _is_shown(key: str, value: Any) -> bool:
    return key == "customerNo" or (key in SHOWN and (not isinstance(value, str) or _CODE.fullmatch(value) is not None))


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _masked(str(value))
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {key: inner if _is_shown(key, inner) else _masked(inner) for key, inner in value.items()}
    return value

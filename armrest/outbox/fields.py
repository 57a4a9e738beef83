"""What a line's mask says: which fields of a customer it carries."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from armrest.api.masks import BITS


@cache
def names_in(mask: int) -> tuple[str, ...]:
    """Return the names of a mask's fields, in ARM's order."""
    return tuple(name for name, bit in BITS.items() if mask & bit)


def without(customer: Mapping[str, Any], mask: int) -> dict[str, Any]:
    """Return the customer less the fields of a mask."""
    gone = frozenset(names_in(mask))
    return {name: value for name, value in customer.items() if name not in gone}


def merged(masks: Iterable[int]) -> int:
    """Return the mask of the fields that any of these carries."""
    total = 0
    for mask in masks:
        total |= mask
    return total

"""Masks of the fields that are sent for a customer: one bit per field, in the order of `FIELDS`."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from armrest.model.customer import FIELDS

BITS: Final = {name: 1 << position for position, name in enumerate(FIELDS)}


def mask_of(customer: Mapping[str, Any]) -> int:
    """Return the mask of the fields that a customer carries; the postal address is one of them."""
    return _mask(tuple(customer))


def masks_of(customers: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the mask of each customer, in order, without a call of Python for each."""
    return list(map(_mask, map(tuple, customers)))


@cache
def _mask(names: tuple[str, ...]) -> int:
    return sum(BITS[name] for name in names if name in BITS)


@cache
def names_in(mask: int) -> tuple[str, ...]:
    """Return the names of a mask's fields, in ARM's order."""
    return tuple(name for name, bit in BITS.items() if mask & bit)


def without(customer: Mapping[str, Any], mask: int) -> dict[str, Any]:
    """Return the customer without the fields of a mask."""
    removed = frozenset(names_in(mask))
    return {name: value for name, value in customer.items() if name not in removed}


def merged(masks: Iterable[int]) -> int:
    """Return the union of these masks."""
    total = 0
    for mask in masks:
        total |= mask
    return total

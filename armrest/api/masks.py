"""Masks: which fields of a customer are sent, a bit a field in the order of `FIELDS`."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from armrest.api.models import FIELDS

BITS: Final = {name: 1 << place for place, name in enumerate(FIELDS)}


def mask_of(customer: Mapping[str, Any]) -> int:
    """Return the mask of the fields that a customer carries; the postal address is one of them."""
    return _mask(tuple(customer))


@cache
def _mask(names: tuple[str, ...]) -> int:
    return sum(BITS[name] for name in names if name in BITS)

"""Serialized customers: the bytes to send, with what the ledger stores about them, column by column."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import orjson

from armrest.model.field_masks import masks_of

FINGERPRINT_BYTES: Final = 16


@dataclass(slots=True)
class Serialized:
    """Customers in their order, as lists of one length.

    Attributes:
        parts: The JSON of each customer.
    """

    numbers: list[str] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)
    fingerprints: list[bytes] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.parts)

    def append(self, more: "Serialized") -> None:
        """Append customers."""
        self.numbers += more.numbers
        self.masks += more.masks
        self.fingerprints += more.fingerprints
        self.parts += more.parts

    def slice(self, start: int, end: int | None = None) -> "Serialized":
        """Return the customers from `start` up to `end`, as of a list."""
        return Serialized(
            self.numbers[start:end], self.masks[start:end], self.fingerprints[start:end], self.parts[start:end]
        )

    def select(self, positions: Sequence[int]) -> "Serialized":
        """Return the customers at these positions."""
        return Serialized(
            [self.numbers[position] for position in positions],
            [self.masks[position] for position in positions],
            [self.fingerprints[position] for position in positions],
            [self.parts[position] for position in positions],
        )


def serialize(customers: Iterable[Mapping[str, Any]], key: bytes) -> Serialized:
    """Serialize customers.

    Args:
        key: The key of the ledger's fingerprints.
    """
    customers = list(customers)
    parts = list(map(orjson.dumps, customers))
    numbers = list(map(itemgetter("customerNo"), customers))
    return Serialized(numbers, masks_of(customers), _fingerprints(parts, key), parts)


def _fingerprints(parts: Iterable[bytes], key: bytes) -> list[bytes]:
    """A copy of one keyed hash costs half of a new one."""
    keyed = hashlib.blake2b(key=key, digest_size=FINGERPRINT_BYTES)
    fingerprints = []
    for part in parts:
        hashed = keyed.copy()
        hashed.update(part)
        fingerprints.append(hashed.digest())
    return fingerprints

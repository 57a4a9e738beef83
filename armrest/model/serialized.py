"""Serialized customers: the bytes to send, with what the ledger stores about them, column by column."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Final

import orjson

from armrest.model.field_masks import mask_of

FINGERPRINT_BYTES: Final = 16


@dataclass(slots=True)
class Serialized:
    """Customers in their order: a list for each thing that is known of them, all of one length.

    Attributes:
        parts: Their JSON.
    """

    numbers: list[str] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)
    fingerprints: list[bytes] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.parts)

    def extend(self, more: "Serialized") -> None:
        """Append customers."""
        self.numbers += more.numbers
        self.masks += more.masks
        self.fingerprints += more.fingerprints
        self.parts += more.parts

    def cut(self, start: int, end: int | None = None) -> "Serialized":
        """Return some of them."""
        at = slice(start, end)
        return Serialized(self.numbers[at], self.masks[at], self.fingerprints[at], self.parts[at])

    def only(self, wanted: Sequence[bool]) -> "Serialized":
        """Return those that are wanted."""
        return Serialized(
            list(compress(self.numbers, wanted)),
            list(compress(self.masks, wanted)),
            list(compress(self.fingerprints, wanted)),
            list(compress(self.parts, wanted)),
        )


def serialize(people: Iterable[Mapping[str, Any]], key: bytes) -> Serialized:
    """Serialize customers.

    Args:
        key: That of the ledger's fingerprints.
    """
    people = list(people)
    parts = list(map(orjson.dumps, people))
    return Serialized(
        [one["customerNo"] for one in people], list(map(mask_of, people)), _fingerprints(parts, key), parts
    )


def _fingerprints(parts: Iterable[bytes], key: bytes) -> list[bytes]:
    """A copy of one keyed hash costs half of a new one."""
    keyed = hashlib.blake2b(key=key, digest_size=FINGERPRINT_BYTES)
    made = []
    for part in parts:
        hashed = keyed.copy()
        hashed.update(part)
        made.append(hashed.digest())
    return made

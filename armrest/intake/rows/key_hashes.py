"""Find duplicate customers with 8 bytes per row; a second read confirms them."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from armrest.model import customer_keys

SMALL: Final = 500_000
"""Up to this many rows, a set is cheaper than importing numpy (0.2 s); for more, it takes too much memory."""

COMPARED_AT_ONCE: Final = 1_000_000
"""Comparing all at once would take one more byte per row."""


class KeyHashes:
    """Collects hashes of customer numbers."""

    def __init__(self) -> None:
        self._hashes = array("q")

    def add(self, numbers: Sequence[str]) -> None:
        """Add customer numbers; `""` is ignored."""
        self._hashes.extend(map(hash, filter(None, customer_keys(numbers))))

    def repeated(self) -> set[int]:
        """Return the hashes that occur more than once. Sorts them; to be called once, at the end."""
        if len(self._hashes) <= SMALL:
            if len(set(self._hashes)) == len(self._hashes):
                return set()
            seen: set[int] = set()
            return {value for value in self._hashes if value in seen or seen.add(value)}  # type: ignore[func-returns-value]
        import numpy as np

        values = np.frombuffer(self._hashes, dtype=np.int64)
        values.sort()
        repeated: set[int] = set()
        for start in range(0, len(values), COMPARED_AT_ONCE):
            part = values[start : start + COMPARED_AT_ONCE + 1]
            repeated.update(part[1:][part[1:] == part[:-1]].tolist())
        return repeated


def rows_of_each(
    blocks: Iterable[tuple[int, Sequence[str]]],
    suspects: set[int],
    *,
    is_rejected: Callable[[str], bool] = lambda _: False,
) -> dict[str, list[int]]:
    """The keys of customer numbers that are in more than one row, with their row numbers.

    Args:
        blocks: Customer numbers, each block with its first row number.
        suspects: The hashes to check.
        is_rejected: Whether a number rejects its row, which then does not count, such as a total on each page.
    """
    rows_by_number: dict[str, list[int]] = {}
    for first_row, numbers in blocks:
        for row, (number, key) in enumerate(zip(numbers, customer_keys(numbers), strict=True), start=first_row):
            if key and hash(key) in suspects and not is_rejected(number):
                rows_by_number.setdefault(key, []).append(row)
    return {number: rows for number, rows in rows_by_number.items() if len(rows) > 1}

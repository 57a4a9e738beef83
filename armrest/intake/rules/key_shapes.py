"""Judge customer numbers by their column: a thousands separator, and a number not shaped, or as long, as the others.

What is usual is learnt from the first rows of a source, so that every process judges alike, and from the rows beside.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Self

from armrest.intake.rules.checks import cells_outside
from armrest.intake.rules.column import Column
from armrest.intake.rules.customer_number import THOUSANDS

FEWEST: Final = 4
"""With fewer numbers, none of them is usual."""
USUAL: Final = 0.75
"""The share of the usual shape, without which a column has none."""
ODD: Final = 0.02
"""The most that a shape may have of a column, to be unlike the others; one cell always may."""
FEWEST_ALIKE: Final = 3
TOO_LONG: Final = 2
"""How many times the digits of the longest usual numbers are too many."""
FEWEST_MORE: Final = 4
"""How many digits more there must be, because numbers that begin with 1 soon have twice the digits."""
FEWEST_LESS: Final = 2
"""How many digits less than the shortest usual numbers are too few, as in `6;customers` below a list."""
SHORTEST_USUAL: Final = 4
"""Shorter numbers have any length."""
_LATIN: Final = "A-Za-zÀ-ÖØ-öø-ɏ"
_RUN: Final = re.compile(rf"[0-9]+|[{_LATIN}]+")
"""Letters of other alphabets and digits of full width look alike, so they stand for themselves."""
_LONG_NUMBER: Final = re.compile(r"[0-9]{4,}")
_DIGITS: Final = re.compile(r"[0-9]+")
_SIGNS: Final = r"[\w./,:()&+*#!$~^\u2010-\u2015\u2212-]*"
_NUMBER: Final = re.compile(rf"{_SIGNS}\d{_SIGNS}")
"""Any other text is no customer number, and says nothing about them."""
_is_thousands: Final = re.compile(THOUSANDS).fullmatch


@dataclass(frozen=True, slots=True)
class KeyShapes:
    """The shapes of the customer numbers in a source's first rows, without their values.

    Attributes:
        counts: How many numbers have each shape: `9` for digits, `A` for letters, other signs as they are.
        too_long: A number with this many digits in a row is much longer than the others; 0 if no length is usual.
        too_short: A number with no more digits in a row is much shorter than the others; 0 if no length is usual.
        padded_length: The length to which numbers are filled up with zeros; 0 if they are not.
        has_long_numbers: Whether a number has four or more digits in a row.
        thousands: How many have a thousands separator.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    too_long: int = 0
    too_short: int = 0
    padded_length: int = 0
    has_long_numbers: bool = False
    thousands: int = 0

    @classmethod
    def of(cls, column: Column) -> Self:
        """Learn from the first cells of a column."""
        cells = [cell for cell in column.cells if _is_number(cell)]
        (too_short, too_long), padded_length = _unusual_lengths(cells), _padded_length(cells)
        shape = partial(_shape, too_long=too_long, too_short=too_short, padded_length=padded_length)
        return cls(
            Counter(map(shape, cells)),
            too_long,
            too_short,
            padded_length,
            any(map(_LONG_NUMBER.fullmatch, cells)),
            sum(_is_thousands(cell) is not None for cell in cells),
        )

    def breaches(self, column: Column) -> Iterator[tuple[int, str]]:
        """Yield the position of each number that is unlike the others of its column, and the code of the rule."""
        usual, times = max(self.counts.items(), key=lambda item: item[1], default=("9", 0))
        others = set(filter(_is_number, cells_outside(self._pattern(usual))(column)))
        if "." in usual or "," in usual:  # the usual shape may be that of grouped numbers
            yield from self._separators(column, set(column.cells))
        elif others:
            yield from self._separators(column, others)
        if not others:
            return
        counts = Counter(self._shape(cell) for cell in column.cells if cell in others)
        alike = sum(map(bool, column.cells)) - counts.total()
        total = sum(self.counts.values()) + alike + counts.total()
        if total < FEWEST or times + alike < USUAL * total:
            return
        odd = {
            shape
            for shape, count in counts.items()
            if count <= _most_odd(total) and self.counts.get(shape, 0) <= _most_odd(total)
        }
        for row, cell in enumerate(column.cells):
            if cell in others and self._shape(cell) in odd and not _is_thousands(cell):
                yield row, "unlike-the-others"

    def _shape(self, cell: str) -> str:
        return _shape(cell, too_long=self.too_long, too_short=self.too_short, padded_length=self.padded_length)

    def _pattern(self, shape: str) -> str:
        """The pattern of the cells that have this shape."""
        if self.padded_length and shape == "9":
            return f"[0-9]{{{self.padded_length}}}"
        fewest = self.too_short + 1 if shape.count("9") == 1 else 1
        digits = f"[0-9]{{{fewest},{self.too_long - 1}}}+" if self.too_long else "[0-9]++"
        return "".join({"9": digits, "A": rf"[{_LATIN}]++"}.get(sign, re.escape(sign)) for sign in shape)

    def _separators(self, column: Column, others: set[str]) -> Iterator[tuple[int, str]]:
        grouped = {cell for cell in others if _is_thousands(cell)}
        if not grouped:
            return
        rows = [row for row, cell in enumerate(column.cells) if cell in grouped]
        plain = self.has_long_numbers or any(map(_LONG_NUMBER.fullmatch, column.cells))
        is_odd = plain or max(len(rows), self.thousands) < FEWEST_ALIKE
        yield from ((row, "odd-thousands-separator" if is_odd else "thousands-separator") for row in rows)


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _padded_length(cells: list[str]) -> int:
    """The common length of numbers of which most begin with zero."""
    lengths = Counter(len(cell) for cell in cells if cell.isdecimal())
    length, times = max(lengths.items(), key=lambda item: item[1], default=(0, 0))
    zeros = sum(cell.startswith("0") for cell in cells if len(cell) == length)
    return length if times >= USUAL * len(cells) and 2 * zeros > times else 0


def _unusual_lengths(cells: list[str]) -> tuple[int, int]:
    """The digits in a row up to which a number is too short for its column, and from which on it is too long."""
    lengths = Counter(map(_digits_in_a_row, cells))
    usual = [length for length, count in lengths.items() if length and count > _most_odd(len(cells))]
    if not usual:
        return 0, 0
    too_short = min(usual) - FEWEST_LESS if min(usual) >= SHORTEST_USUAL else 0
    return too_short, max(TOO_LONG * max(usual), max(usual) + FEWEST_MORE)


def _digits_in_a_row(cell: str) -> int:
    return max(map(len, _DIGITS.findall(cell)), default=0)


def _most_odd(total: int) -> float:
    """How many of these numbers may have a shape that is not usual."""
    return max(1, ODD * total)


def _shape(cell: str, *, too_long: int, too_short: int, padded_length: int) -> str:
    """The shape of a number, with its length if that is what makes it unlike others."""
    if padded_length and cell.isdecimal():
        return "9" if len(cell) == padded_length else f"9 of {len(cell)}"
    shape = _RUN.sub(lambda run: "9" if run[0][0].isdecimal() else "A", cell)
    if not too_long or too_short < len(cell) < too_long:
        return shape
    return shape if too_short < _digits_in_a_row(cell) < too_long else f"{shape} of {len(cell)}"

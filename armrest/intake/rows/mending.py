"""Harmless mending of cells, without a mapping: done, named and counted, never silent.

What a value means does not change: blanks and marks around it, letters in two parts (`a` and a ring, as macOS writes
`å`), the wrapping that only a spreadsheet needs, and the same address twice in a list.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from unicodedata import normalize

from armrest.intake.formats import BLANKS_AND_MARKS
from armrest.intake.rules import Column, items
from armrest.model import LIST_FIELDS, NUMBER_COLUMNS

WRAPPED: Final = "unwrapped"
AROUND: Final = "blanks-and-marks-around"
REPEATED: Final = "repeated-address"
COMPOSED: Final = "composed-letters"

NUMBER_LIKE: Final = frozenset(
    ("customerNo", "organizationNo", "phoneNo", "postalCode", "dateOfBirth", *NUMBER_COLUMNS)
)
"""The fields whose cells begin with neither `=` nor an apostrophe."""
_MARKED: Final = re.compile("[^\u0300-\u036f][\u0300-\u036f]+")
_FORMULA: Final = re.compile(r'="([^"=]+)"|\'([^\']+)\'?')


def mended(field: str, column: Column) -> Iterator[tuple[str, Column]]:
    """Yield each kind of mending that changes the column, and the column after it."""
    for kind, mend in _mends(field, column.without_repeats):
        cells = mend(column.cells)
        if cells != column.cells:
            column = Column(cells, absent=column.absent)
            yield kind, column


def _mends(field: str, column: Column) -> Iterator[tuple[str, Callable[[Sequence[str]], Sequence[str]]]]:
    """The kinds that may change something, found by the text of the whole column."""
    if not column.is_latin and _MARKED.search(column.text):
        yield COMPOSED, lambda cells: [cell if cell.isascii() else _MARKED.sub(_composed, cell) for cell in cells]
    if not column.printable:
        yield AROUND, lambda cells: [cell if cell.isprintable() else cell.strip(BLANKS_AND_MARKS) for cell in cells]
    if field in NUMBER_LIKE and ('="' in column.text or "'" in column.text):
        yield WRAPPED, lambda cells: [unwrapped(cell) if cell.startswith(("=", "'")) else cell for cell in cells]
    if field in LIST_FIELDS and ";" in column.text:
        yield REPEATED, lambda cells: [_without_repeats(cell) if ";" in cell else cell for cell in cells]


def unwrapped(cell: str) -> str:
    """The cell without `="…"` or an apostrophe around the whole of it."""
    wrapped = _FORMULA.fullmatch(cell)
    return cell if wrapped is None else (wrapped[1] if wrapped[1] is not None else wrapped[2]).strip()


def _composed(letter: re.Match[str]) -> str:
    return normalize("NFC", letter[0])


def _without_repeats(cell: str) -> str:
    addresses = items(cell)
    first_of_each = {address.casefold(): address for address in reversed(addresses)}
    return cell if len(first_of_each) == len(addresses) else ";".join(reversed(first_of_each.values()))

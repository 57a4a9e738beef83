"""Recognize a table that follows the customers without a gap, by the kinds of its cells; nobody knows its headings.

One row of words is a wrong customer. Words over columns of numbers, and then only rows of other kinds, are not.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

Kind = Literal["e-mail", "amount", "date", "number", "word", "mixed"]

NEAR: Final = 20
"""How many rows above and below are looked at, so that a file of wrong rows is read in linear time."""
FEWEST_ABOVE: Final = 3
FEWEST_BELOW: Final = 2
_FEWEST_HEADINGS: Final = 2
_AMOUNT: Final = re.compile(r"-?\d[\d .,]*[.,]\d{2}(?: ?(?:kr|nok))?", re.IGNORECASE)
_DATE: Final = re.compile(r"(?:\d{4}([./-])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2(?:\d{4}|\d{2}))(?:[T ].*)?")
_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGIT: Final = re.compile(r"\d")


def begins_second_table(
    record: Sequence[str], *, above: Sequence[Sequence[str]], below: Sequence[Sequence[str]], key: int
) -> bool:
    """Whether a row without a customer number is the header of another table.

    Args:
        above: The customers before it.
        below: The rows that follow it.
        key: The position of the customer numbers' column. Its numbers are no evidence: a section may have other ones.
    """
    headings = [cell.strip() for cell in record if cell.strip()]
    if len(above) < FEWEST_ABOVE or len(headings) < _FEWEST_HEADINGS or any(map(_DIGIT.search, headings)):
        return False
    usual = {position: kind for position in range(len(record)) if position != key and (kind := _usual(above, position))}
    names_numbers = any(record[position].strip() and kind != "word" for position, kind in usual.items())
    if not names_numbers or "@" in "".join(headings):
        return False
    table = _until_blank(below)
    return len(table) >= FEWEST_BELOW and all(_is_of_another_kind(row, usual) for row in table)


def _usual(records: Sequence[Sequence[str]], position: int) -> Kind | None:
    """The kind that all filled cells of a column have; None if they differ, or too few are filled."""
    kinds = [_kind(cell) for record in records if (cell := record[position].strip())]
    return kinds[0] if len(kinds) >= FEWEST_ABOVE and len(set(kinds)) == 1 and kinds[0] != "mixed" else None


def _until_blank(records: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    blank = (index for index, record in enumerate(records) if not any(map(str.strip, record)))
    return records[: next(blank, len(records))]


def _is_of_another_kind(record: Sequence[str], usual: dict[int, Kind]) -> bool:
    """Whether a cell of a row cannot be in its column, such as an amount among telephone numbers."""
    kinds = ((_kind(cell), kind) for position, kind in usual.items() if (cell := record[position].strip()))
    return any(kind not in {expected, "mixed"} for kind, expected in kinds)


def _kind(cell: str) -> Kind:
    if "@" in cell:
        return "e-mail"
    if _AMOUNT.fullmatch(cell):
        return "amount"
    if _DATE.fullmatch(cell):
        return "date"
    if not _DIGIT.search(cell):
        return "word"
    return "mixed" if _LETTER.search(cell) else "number"

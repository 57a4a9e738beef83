"""The cells of a field in one block, with what the checks need of them."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

_PRINTABLE: Final = bytes(code for code in range(256) if chr(code).isprintable()) + b"\n"
"""The Latin-1 characters for which `str.isprintable` is true: checks a whole column ten times as fast."""

_DIGITS_ALIKE: Final = bytes(ord("9") if chr(code) in "0123456789" else code for code in range(256))
_ELEVEN: Final = b"9" * 11
_FIRST: Final = 64
_ALIKE: Final = 3
"""A column whose first cells are each there three times or more is looked at without repetitions."""

MOST_SOUND: Final = 10_000
"""The limit of the sound cells that are remembered for each field."""


class Column:
    """The cells of one field, in the order of the rows.

    Attributes:
        cells: The texts, `""` for no value.
        absent: Whether each cell is missing; None if the source does not distinguish missing from empty.
    """

    def __init__(self, cells: Sequence[str], *, absent: Sequence[bool] | None = None) -> None:
        self.cells = cells
        self.absent = absent

    @classmethod
    def of(cls, cells: Sequence[str | None]) -> "Column":
        """Return a column from cells in which None means missing."""
        return cls([cell or "" for cell in cells], absent=[cell is None for cell in cells])

    @property
    def without_repeats(self) -> "Column":
        """The column's different cells, in no order, if there are few of them; otherwise the column itself.

        It answers every question about whether some cell is so or so. In half of a usual file's columns most cells are
        alike: countries, towns, codes, and fields that few customers have.
        """
        return self._different or self

    @cached_property
    def _different(self) -> "Column | None":
        """The column of the different cells, if they are few: it never keeps itself, or a block's cells would pile up.

        Nobody collects cycles while blocks are read.
        """
        first = self.cells[:_FIRST]
        return Column(list(set(self.cells))) if _ALIKE * len(set(first)) <= len(first) else None

    def trimmed(self) -> "Column":
        """The column without blanks around its cells."""
        text = self.without_repeats.text
        if " \n" in text or "\n " in text or "\t" in text or text[:1] == " " or text[-1:] == " ":
            return Column([cell.strip(" \t") for cell in self.cells], absent=self.absent)
        return self

    @cached_property
    def text(self) -> str:
        """The cells joined by line feeds."""
        return "\n".join(self.cells)

    @cached_property
    def one_line_each(self) -> bool:
        """Whether no cell holds a line feed, so that `text` shows where each one ends."""
        return self.text.count("\n") == len(self.cells) - 1

    @cached_property
    def _latin(self) -> bytes | None:
        try:
            return self.text.encode("latin-1")
        except UnicodeEncodeError:
            return None

    @cached_property
    def latin_or_marks(self) -> bytes:
        """The text in Latin-1, with `?` for every other character."""
        return self.text.encode("latin-1", "replace") if self._latin is None else self._latin

    @property
    def is_latin(self) -> bool:
        """Whether all characters are in Latin-1, so that no combining marks are."""
        return self._latin is not None

    def has_longer_than(self, length: int) -> bool:
        """Whether a cell has more characters; it jumps from line end to line end, as many as fit into one look."""
        if not self.one_line_each:
            return max(map(len, self.cells), default=0) > length
        text, start = self.text, 0
        while len(text) - start > length:
            end = text.rfind("\n", start, start + length + 1)
            if end < 0:
                return True
            start = end + 1
        return False

    @cached_property
    def may_hold_birth_number(self) -> bool:
        """Whether eleven digits follow one another in a cell, with blanks, dots, colons or hyphens between or not."""
        return _ELEVEN in self.latin_or_marks.translate(_DIGITS_ALIKE, b" .:-\t\xa0")

    @cached_property
    def printable(self) -> bool:
        """Whether all characters are letters, marks, digits, signs or plain blanks."""
        if not self.one_line_each:
            return False
        if self._latin is not None:
            return not self._latin.translate(None, _PRINTABLE)
        return self.text.replace("\n", "").isprintable()

    def empty(self) -> list[int]:
        """The positions of the empty cells."""
        return [index for index, cell in enumerate(self.cells) if not cell] if "" in self.cells else []

    def filled(self, default: str) -> "Column":
        """The column with empty cells replaced by this default."""
        return Column([cell or default for cell in self.cells], absent=self.absent)

    def values(self, *, clear: bool) -> Sequence[Any]:
        """The values to send: None for nothing, and `""` to blank ARM's field."""
        if self.absent is not None:
            return [None if absent else cell for cell, absent in zip(self.cells, self.absent, strict=True)]
        if clear or "" not in self.cells:
            return self.cells
        return [cell or None for cell in self.cells]


class SoundCells:
    """The cells of a field that broke no rule so far, so that a town is not checked again in each block.

    Only columns of repeated cells count, and only whole columns without a finding.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def holds(self, column: Column) -> bool:
        """Whether all cells of a column are known to be sound."""
        different = column.without_repeats
        return different is not column and self._known.issuperset(different.cells)

    def add(self, column: Column) -> None:
        """Remember the cells of a column in which nothing was found, up to a limit."""
        different = column.without_repeats
        if different is not column and len(self._known) < MOST_SOUND:
            self._known.update(different.cells)


def items(cell: str) -> list[str]:
    """The values of a cell that holds a list, separated by `;`."""
    return [item for item in map(str.strip, cell.split(";")) if item]

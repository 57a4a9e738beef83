"""A field's cells in one block, and what screens look at."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import compress
from typing import Any


class Column:
    """The cells of one field, in the order of the rows.

    Attributes:
        cells: `""` where there is nothing.
        text: The cells joined by line feeds.
        absent: Where the source tells "not there" from "empty": whether each cell is not there. None elsewhere.
    """

    def __init__(self, cells: Sequence[str], *, text: str | None = None, absent: Sequence[bool] | None = None) -> None:
        self.cells = cells
        self.text = "\n".join(cells) if text is None else text
        self.absent = absent

    @classmethod
    def trimmed(cls, cells: Sequence[str | None]) -> "Column":
        """The blanks around a cell are none of it; None is "not there"."""
        absent = [cell is None for cell in cells] if None in cells else None
        texts: Sequence[str] = [cell or "" for cell in cells] if absent else cells  # type: ignore[assignment]
        text = "\n".join(texts)
        if " \n" in text or "\n " in text or "\t" in text or text[:1] == " " or text[-1:] == " ":
            return cls([cell.strip(" \t") for cell in texts], absent=absent)
        return cls(texts, text=text, absent=absent)

    @cached_property
    def one_line_each(self) -> bool:
        """Whether no cell holds a line feed, so that `text` shows where each one ends."""
        return self.text.count("\n") == len(self.cells) - 1

    @cached_property
    def printable(self) -> bool:
        """Whether nothing but letters, marks, digits, signs and plain blanks is in it."""
        return self.one_line_each and self.text.replace("\n", "").isprintable()

    def empty(self) -> list[int]:
        """The positions of the empty cells."""
        return [at for at, cell in enumerate(self.cells) if not cell] if "" in self.cells else []

    def kept(self, selectors: Iterable[bool]) -> "Column":
        """The cells at the places that are selected."""
        absent = None if self.absent is None else list(compress(self.absent, selectors))
        return Column(list(compress(self.cells, selectors)), absent=absent)

    def filled(self, default: str) -> "Column":
        """The column with this in the place of its empty cells."""
        return Column([cell or default for cell in self.cells], absent=self.absent)

    def values(self, *, clear: bool) -> Sequence[Any]:
        """What is sent: None for nothing, and `""` where ARM's field shall become blank."""
        if self.absent is not None:
            return [None if absent else cell for cell, absent in zip(self.cells, self.absent, strict=True)]
        if clear or "" not in self.cells:
            return self.cells
        return [cell or None for cell in self.cells]


def items(cell: str) -> list[str]:
    """The values of a cell that holds a list, separated by `;`."""
    return [item for item in map(str.strip, cell.split(";")) if item]

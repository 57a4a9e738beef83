"""Read text whose columns begin at fixed positions, as old systems write it, and find such positions.

A position is a character. Where a program has counted bytes, or what a screen shows, the file is refused: its cells
would be shifted, and nothing in them would show it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Final

from armrest.intake.errors import Positions
from armrest.intake.formats.headers import has_customer_number, is_trailer
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.formats.text.line_widths import Counting
from armrest.intake.formats.text.text_file import TextFile
from armrest.intake.locations import Opened
from armrest.intake.table_options import AS_DETECTED, TableOptions

BLOCK_ROWS: Final = 5000
MAX_LINE_LENGTH: Final = 1 << 20
SAMPLE_LINES: Final = 50
_FEWEST_LINES, _FEWEST_COLUMNS = 3, 2
_APART: Final = re.compile(r"\S {2,}\S")
"""Texts that stand in columns; a sentence has single blanks."""


class FixedWidthTable(PlainTable):
    """Text of fixed width. Its first line is a header if it has the names of the columns at their positions.

    Raises:
        InputRefused: The file is empty, or its encoding is unclear.
    """

    def __init__(self, name: str, opened: Opened, positions: Positions, options: TableOptions = AS_DETECTED) -> None:
        self.name = name
        self._file = TextFile(name, opened, encoding=options.encoding)
        self._slices = [slice(first - 1, last) for first, last in positions.values()]
        self._key = dict(zip(positions, self._slices, strict=True)).get(options.key or "")
        self._gaps = _gaps(positions)
        self.columns = tuple(positions)
        self.encoding = self._file.encoding
        self.description = f"fixed-width text, {self._file.label}"
        lines = [line for line in islice(self._lines(), SAMPLE_LINES) if line.strip()]
        if not lines:
            raise self._file.refused("empty", "the file is empty; check the system that exported it")
        self._has_header = self._is_header(lines[0])
        self._counting = Counting(lines, is_utf_8=self.encoding.startswith("utf-8"))

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start; a row number is the number of the line.

        Raises:
            InputRefused: A line has a tab, or a text that is longer than its column.
        """
        lines = enumerate(self._lines(), start=1)
        row = 1
        if self._has_header:
            row = 1 + next(number for number, line in lines if line.strip())
        while block := list(islice(lines, BLOCK_ROWS)):
            cells = [self._cells(number, line) for number, line in block]
            yield Chunk(row, list(map(list, zip(*cells, strict=True))))
            row += len(block)

    def _cells(self, row: int, line: str) -> list[str]:
        """The cells of a line."""
        if self._is_sentence(line):
            return [line.strip(), *[""] * (len(self._slices) - 1)]
        if "\t" in line:
            what = f"row {row} has a tab, which shifts the positions; export the file with blanks"
            raise self._file.refused("ragged", what, row)
        if not line.isascii() and (fault := self._counting.fault(line, self._slices)):
            raise self._file.refused("ragged", f"row {row} {fault}", row)
        if place := self._filled_gap(line):
            what = f"row {row} has text in position {place}, {self._gaps[place]}; correct its positions in the mapping"
            raise self._file.refused("ragged", f"{what}, or name the column that is there", row)
        return [line[part].strip() for part in self._slices]

    def _is_sentence(self, line: str) -> bool:
        """Whether a line says something about the list: it has no number in its place, and no texts in columns."""
        if not is_trailer([line]) or (self._key and has_customer_number(line[self._key].strip())):
            return False
        return not _APART.search(line) or self._filled_gap(line) > 0

    def _filled_gap(self, line: str) -> int:
        """The first position with text that has to be blank; 0 if there is none."""
        return next((place for place in self._gaps if line[place - 1 : place].strip()), 0)

    def _is_header(self, line: str) -> bool:
        cells = [line[part].strip().casefold() for part in self._slices]
        return all(
            cell == column.casefold() or not cell for cell, column in zip(cells, self.columns, strict=True)
        ) and any(cells)

    def _lines(self) -> Iterator[str]:
        rest = ""
        for text in self._file.texts():
            *lines, rest = (rest + text).replace("\r\n", "\n").split("\n")
            yield from (line.rstrip("\r") for line in lines)
            if len(rest) > MAX_LINE_LENGTH:
                raise self._file.refused("ragged", "a line never ends; is this fixed-width text?")
        self._file.refuse_cut()
        if rest:
            yield rest.rstrip("\r")


def _gaps(positions: Positions) -> dict[int, str]:
    """The positions that have to be blank: beside a column, and of no column."""
    gaps = {first - 1: f'before "{column}"' for column, (first, _) in positions.items()}
    gaps |= {last + 1: f'after "{column}"' for column, (_, last) in positions.items() if last}
    return {place: where for place, where in gaps.items() if place > 0 and not _is_owned(place, positions)}


def _is_owned(place: int, positions: Positions) -> bool:
    return any(first <= place and (last is None or place <= last) for first, last in positions.values())


def find_positions(lines: Sequence[str]) -> Positions | None:
    """The columns of text of fixed width, named by its first line; None if it does not look like that.

    A column ends where every line has a blank. Its name is the text of the first line there; what has no name belongs
    to the column before. One blank between two columns belongs to none, so that a longer text further down is found.
    """
    filled = [line.rstrip() for line in lines if line.strip()]
    below = [line for line in filled[1:] if _APART.search(line) or not is_trailer([line])]
    lines = [*filled[:1], *below][:SAMPLE_LINES]
    if len(lines) < _FEWEST_LINES or any(2 * sum(sign in line for line in lines) > len(lines) for sign in "\t;|"):
        return None
    header = lines[0]
    blank = [all(line[place : place + 1] in {"", " "} for line in lines) for place in range(max(map(len, lines)))]
    edges = [place for place, it in enumerate(blank) if not it and (place == 0 or blank[place - 1])]
    named = [start for start, end in pairwise([*edges, len(header)]) if header[start:end].strip()]
    starts = [0, *named[1:]]
    if len(starts) < _FEWEST_COLUMNS:
        return None
    ends: list[int | None] = [*starts[1:], None]
    names = [header[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    if len(set(names)) < len(names):
        return None
    return {name: (start + 1, end and end - 1) for name, start, end in zip(names, starts, ends, strict=True)}

"""The result of every format: named columns of text cells, in blocks, in the order of the source."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Protocol

from armrest.intake.errors import InputRefused
from armrest.intake.formats.headers import HEADER_HINT, ROWS_BENEATH, ColumnNames, Rows


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive records.

    Attributes:
        first_row: The row number of the first record.
        columns: The source's columns, all of the same length: texts, or None where the source has no value.
        has_breaks: Whether a cell may hold a line break; a hint, which is no part of what is compared.
    """

    first_row: int
    columns: Sequence[list[Any]]
    has_breaks: bool = field(default=True, compare=False)

    def __len__(self) -> int:
        return len(self.columns[0])

    def record(self, position: int) -> tuple[str, ...]:
        """The cells of one record, `""` where there is no value."""
        return tuple(column[position] or "" for column in self.columns)


class Layout(Protocol):
    """The properties of a table that matter for reading its chunks.

    Attributes:
        explicit: Whether *missing* (None) differs from *blank* (`""`), which is then a value.
        loses_zeros: Whether texts may have been stored as numbers, without their leading zeros.
        cell_delimiter: The sign between cells in the file itself; `""` if the format has none.
        is_list: Whether it was written by a program that may put totals and notes between the customers.
    """

    columns: tuple[str, ...]
    explicit: bool
    loses_zeros: bool
    cell_delimiter: str
    is_list: bool

    def place(self, row: int) -> str:
        """The position of a row: its number, after the name of its file if there are several."""


class Table(Layout, Protocol):
    """A source that has been inspected.

    Attributes:
        description: Format, encoding and so on, to show to the user.
        delimiter, encoding: For the rejects file.
        nested: The positions of columns that do not hold texts, and cannot be read.
        header_row: The row number of its header; 0 if it has none.
    """

    description: str
    delimiter: str
    encoding: str
    nested: frozenset[int]
    header_row: int

    def tops(self) -> Iterator[Rows]:
        """The first rows of the file, with what is above the header; once for each way to split them into cells."""

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start, in bounded memory; blank records are empty cells.

        Raises:
            InputRefused: The structure is invalid.
        """


class PlainTable:
    """The defaults of most formats; their rejects file is a CSV that a Norwegian Excel opens."""

    columns: tuple[str, ...]
    description: str
    delimiter: str = ";"
    encoding: str = "utf-8-sig"
    explicit: bool = False
    loses_zeros: bool = False
    cell_delimiter: str = ""
    is_list: bool = True
    nested: frozenset[int] = frozenset()
    header_row: int = 0

    def tops(self) -> Iterator[Rows]:
        """Nothing: the format says where its columns are named."""
        return iter(())

    def place(self, row: int) -> str:
        """The row number."""
        return str(row)


class Tables:
    """Several tables read as one, one after the other; row numbers continue across them.

    Args:
        tables: At least one table, each with the name to show.

    Raises:
        InputRefused: The tables have different columns.
    """

    def __init__(self, tables: Sequence[tuple[str, Table]]) -> None:
        self._tables = tables
        self._starts: list[int] = []
        name, first = tables[0]
        for file, table in tables[1:]:
            if sorted(table.columns) != sorted(first.columns):
                odd = _odd_columns(table, first)
                raise InputRefused(
                    f"{file}: its columns are not those of {name} ({odd}); use files with the same columns",
                    code="unknown-column",
                    column=odd,
                )
        self.columns = first.columns
        self.description = f"{len(tables)} files, {first.description}"
        self.delimiter = first.delimiter
        self.encoding = first.encoding if all(it.encoding == first.encoding for _, it in tables) else "utf-8-sig"
        self.explicit = first.explicit
        self.loses_zeros = any(table.loses_zeros for _, table in tables)
        self.cell_delimiter = first.cell_delimiter
        self.is_list = first.is_list
        self.nested = first.nested
        self.header_row = first.header_row

    def tops(self) -> Iterator[Rows]:
        """Those of the first file."""
        return self._tables[0][1].tops()

    def chunks(self) -> Iterator[Chunk]:
        """Read the tables in their order."""
        offset = 0
        self._starts.clear()
        for _, table in self._tables:
            self._starts.append(offset)
            positions = {name: position for position, name in enumerate(_by_occurrence(table.columns))}
            order = [positions[name] for name in _by_occurrence(self.columns)]
            last = 0
            for chunk in table.chunks():
                columns = [chunk.columns[position] for position in order]
                yield Chunk(offset + chunk.first_row, columns, chunk.has_breaks)
                last = chunk.first_row + len(chunk) - 1
            offset += last

    def place(self, row: int) -> str:
        """The name of the file, and the row number in it; only for rows that have been read."""
        position = bisect_right(self._starts, row - 1) - 1
        return f"{self._tables[position][0]}:{row - self._starts[position]}"


def _by_occurrence(columns: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each name with the number of times that it stands before."""
    seen: Counter[str] = Counter()
    for column in columns:
        yield column, seen[column]
        seen[column] += 1


def _odd_columns(table: Table, first: Table) -> str:
    """The columns that only one of them has: by name, or by position if the first row may be a customer."""
    odd = [*_lacking(table, first.columns), *_lacking(first, table.columns)]
    if all(names.quotable(position) for names, position in odd):
        return ", ".join(sorted(names.plain(position) for names, position in odd)) or "one of them twice"
    places = [str(position + 1) for position, it in enumerate(table.columns) if it not in first.columns]
    return f"columns {', '.join(places)}; {HEADER_HINT}" if places else "it lacks some"


def _lacking(table: Table, columns: Sequence[str]) -> list[tuple[ColumnNames, int]]:
    """The table's columns that are not among these."""
    names = ColumnNames(table.columns, beneath=partial(first_rows, table))
    return [(names, position) for position, column in enumerate(table.columns) if column not in columns]


def first_rows(table: Table) -> Rows:
    """The first rows of a table; empty if it cannot be read."""
    try:
        chunk = next(table.chunks(), None)
    except InputRefused:
        return ()
    return () if chunk is None else [chunk.record(position) for position in islice(range(len(chunk)), ROWS_BENEATH)]

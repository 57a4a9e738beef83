"""Findings in rows, and the file with the rejected rows, to be fixed and read again."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from armrest.intake.rules import REASONS
from armrest.tabular import OWN_COLUMNS, REJECT_COLUMNS, CsvFile, TableLayout, local_file, open_csv, partial_path


class SourceShape(Protocol):
    """What the rejects file takes from the source: its columns, delimiter, encoding and row names."""

    columns: tuple[str, ...]
    delimiter: str
    encoding: str

    def place(self, row: int) -> str:
        """Return a row's number, after the name of its file if there are several."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A warning about a row that is sent nevertheless.

    Attributes:
        field: ARM's name of the field.
        customer_no: None if the row has none that may be shown.
    """

    row: int
    field: str
    code: str
    customer_no: str | None

    @property
    def sentence(self) -> str:
        """The finding in words, without cell values."""
        return f"{self.field} {REASONS[self.code].sentence}"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is rejected; the others are sent.

    Attributes:
        field: ARM's name of the first field at fault; `code` says what is wrong with it.
        customer_no: None if the row has none that may be shown.
        cells: The original cells of the row, in the source's order.
        also: Other fields of the row that are at fault, each with its code.
    """

    row: int
    field: str
    code: str
    customer_no: str | None
    cells: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()

    @property
    def fields(self) -> str:
        """The names of all fields at fault."""
        return ", ".join(dict.fromkeys(field for field, _ in self.faults))

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, in words, without cell values."""
        return "; ".join(f"{field} {REASONS[code].sentence}" for field, code in self.faults)

    @property
    def faults(self) -> tuple[tuple[str, str], ...]:
        """All fields at fault, each with its code."""
        return ((self.field, self.code), *self.also)


class RejectsFile:
    """A CSV with the rejected rows in the source's own layout, to be fixed and read again.

    It is begun at the first reject, with the source's delimiter and encoding: the source's columns in order, then
    `_row`, `_field` and `_error`. These three are also the mark by which a reader removes the guard of the cells.
    In a folder, the file takes its place when it is closed.

    Args:
        path: A file that only its owner may read, or any fsspec URL.

    Attributes:
        written_to: Where the rows are until it is closed.
        count: How many rows were written.
    """

    def __init__(self, path: Path | str, source: SourceShape) -> None:
        self.path = path
        self.count = 0
        local = local_file(path)
        self.written_to = str(path if local is None else partial_path(local))
        self._source = source
        self._source_columns = [index for index, column in enumerate(source.columns) if column not in OWN_COLUMNS]
        self._table: CsvFile | None = None

    def write(self, rejects: Iterable[Reject]) -> None:
        """Append rejects in the given order."""
        for reject in rejects:
            if self._table is None:
                self._table = self._new_table()
            cells = [reject.cells[index] for index in self._source_columns]
            self._table.write([[*cells, self._source.place(reject.row), reject.fields, reject.sentence]])
            self.count += 1

    @property
    def is_open(self) -> bool:
        """Whether rows were written, and the file has not taken its place yet."""
        return self._table is not None

    def close(self) -> None:
        """Complete the file; safe to repeat."""
        table, self._table = self._table, None
        if table is not None:
            table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_table(self) -> CsvFile:
        """Begin the file; characters outside the encoding become escapes, which a rule finds when read again."""
        layout = TableLayout(
            columns=[*(self._source.columns[index] for index in self._source_columns), *REJECT_COLUMNS],
            delimiter=self._source.delimiter,
            encoding=self._source.encoding,
            errors="backslashreplace",
        )
        return open_csv(self.path, layout)

"""Write tables as CSV, Excel or Parquet, in constant memory; a partly written file is never visible.

A CSV is the only format in which a spreadsheet runs a text as a formula. So the cells of a CSV are guarded, and it
carries the mark by which a reader knows that the guard is to be removed.
"""

import csv
import io
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, Self

from armrest.tabular.atomic_file import AtomicFile
from armrest.tabular.formula_guard import guarded
from armrest.tabular.own_columns import GUARD_COLUMN, GUARD_SIGN, has_guard_mark

Cell = str | datetime | None
"""A text, a time in UTC, or None for a missing value. Only Parquet distinguishes a missing value from an empty one."""
Row = Sequence[Cell]
"""Cells in the order of the columns."""

MOST_IN_EXCEL: Final = 1_048_575
"""Rows of a worksheet, without the header."""
ROW_GROUP: Final = 10_000
"""Rows of a Parquet file that are in memory at once."""
COLUMN_WIDTH: Final = 24


class TableRefused(Exception):
    """The file cannot be written, or cannot hold the table; one line that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """What a table looks like.

    Attributes:
        columns: Their names.
        times: The columns of times; all others hold texts.
        codes: The columns whose cells are never guarded, because people copy them and need them byte for byte.
        mark_at: The position of the guard's mark among the columns of a CSV; None: the last.
        delimiter, encoding, errors: Of a CSV; `errors` is what to do with characters outside the encoding.
    """

    columns: Sequence[str]
    times: Collection[str] = ()
    codes: Collection[str] = ()
    mark_at: int | None = None
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    errors: str = "strict"


class RowWriter(Protocol):
    """Writes the rows of one table to a binary file."""

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""

    def close(self) -> None:
        """Complete the table; the file stays open."""


def table_format(file: Path) -> str:
    """Return the format of a file by the suffix of its name: `.csv`, `.xlsx` or `.parquet`.

    Raises:
        TableRefused: The suffix is another one, or the file cannot be written there.
    """
    suffix = file.suffix.lower()
    if suffix not in _FORMATS:
        raise TableRefused(f"{file.name} has no format that can be written: use {' or '.join(_FORMATS)}")
    if not file.parent.is_dir():
        raise TableRefused(f"{file} cannot be written: there is no folder {file.parent}; create it first")
    if file.exists() and not (file.is_file() and os.access(file, os.W_OK)):
        raise TableRefused(f"{file} cannot be written: it exists, and may not be replaced")
    return suffix


def write_table(file: Path, layout: TableLayout, rows: Iterable[Row]) -> None:
    """Write a table that only its owner may read; an existing file is replaced once the new one is complete.

    Raises:
        TableRefused: The suffix names no format, the file cannot be written, or the table does not fit into Excel.
    """
    table_format(file)
    try:
        with TableFile(file, layout) as table:
            table.write(rows)
    except OSError as error:
        raise TableRefused(f"{file} cannot be written: {error.strerror or type(error).__name__}") from None


class TableFile:
    """A table that is written piece by piece, and takes its place when it is closed; a context manager.

    An error within the context leaves the old file as it was.

    Args:
        suffix: The format; None: that of the file's name.

    Raises:
        OSError: It cannot be written.
    """

    def __init__(self, file: Path, layout: TableLayout, *, suffix: str | None = None) -> None:
        self._atomic = AtomicFile(file)
        try:
            self._rows = _FORMATS[suffix or file.suffix.lower()](self._atomic.handle, layout)
        except BaseException:
            self._atomic.discard()
            raise

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        self._rows.write(rows)

    def close(self) -> None:
        """Complete the table, and put it in its place."""
        try:
            self._rows.close()
        except BaseException:
            self._atomic.discard()
            raise
        self._atomic.commit()

    def discard(self) -> None:
        """Drop what was written."""
        with suppress(Exception):  # closing also removes the workbook's own temporary files
            self._rows.close()
        self._atomic.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


class CsvRows:
    """Writes a CSV with a guarded header, guarded cells and the guard's mark; `close` flushes what it has written."""

    def __init__(self, handle: BinaryIO, layout: TableLayout) -> None:
        self._text = io.TextIOWrapper(handle, encoding=layout.encoding, errors=layout.errors, newline="")
        self._writer: Any = csv.writer(self._text, delimiter=layout.delimiter)
        self._codes = frozenset(index for index, name in enumerate(layout.columns) if name in layout.codes)
        self._mark_at: int | None = None
        if not has_guard_mark(layout.columns):
            self._mark_at = len(layout.columns) if layout.mark_at is None else layout.mark_at
        self._writer.writerow(self._with_mark(list(map(guarded, layout.columns)), GUARD_COLUMN))

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        self._writer.writerows(self._with_mark(self._cells(row), GUARD_SIGN) for row in rows)

    def close(self) -> None:
        """Pass the rest on to the file, which stays open."""
        self._text.flush()
        self._text.detach()

    def _cells(self, row: Row) -> list[str]:
        if self._codes:
            return [_text(cell) if index in self._codes else guarded(_text(cell)) for index, cell in enumerate(row)]
        return [guarded(_text(cell)) for cell in row]

    def _with_mark(self, cells: list[str], sign: str) -> list[str]:
        if self._mark_at is not None:
            cells.insert(self._mark_at, sign)
        return cells


class _ExcelRows:
    """Writes a workbook whose cells are all texts, so `0010` stays as it is and `=1+1` is not run."""

    def __init__(self, handle: BinaryIO, layout: TableLayout) -> None:
        from xlsxwriter import Workbook

        self._book = Workbook(handle, {"constant_memory": True})
        self._sheet = self._book.add_worksheet("customers")
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(layout.columns) - 1, COLUMN_WIDTH)
        self._row = 0
        self._write_row(layout.columns)

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self._row > MOST_IN_EXCEL:
                raise TableRefused(f"more than {MOST_IN_EXCEL:,} rows are too many for Excel: write .csv")
            self._write_row(row)

    def close(self) -> None:
        self._book.close()

    def _write_row(self, row: Row) -> None:
        for column, cell in enumerate(row):
            if cell and self._sheet.write_string(self._row, column, _text(cell)):
                raise TableRefused(f"a cell of row {self._row + 1} is too long for Excel: write .csv")
        self._row += 1


class _ParquetRows:
    """Writes a Parquet file, group by group; a time keeps its type."""

    def __init__(self, handle: BinaryIO, layout: TableLayout) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        time = pa.timestamp("ms", tz="UTC")
        self._schema = pa.schema([(name, time if name in layout.times else pa.string()) for name in layout.columns])
        self._writer = ParquetWriter(handle, self._schema)
        self._waiting: list[Row] = []

    def write(self, rows: Iterable[Row]) -> None:
        left = iter(rows)
        while more := list(islice(left, ROW_GROUP - len(self._waiting))):
            self._waiting += more
            if len(self._waiting) == ROW_GROUP:
                self._write_group()

    def close(self) -> None:
        if self._waiting:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        import pyarrow as pa

        columns = zip(zip(*self._waiting, strict=True), self._schema, strict=True)
        arrays = [pa.array(cells, field.type) for cells, field in columns]
        self._writer.write_table(pa.table(arrays, schema=self._schema))
        self._waiting.clear()


def _text(cell: Cell) -> str:
    return f"{cell:%Y-%m-%dT%H:%M:%SZ}" if isinstance(cell, datetime) else cell or ""


_FORMATS: Final[dict[str, Callable[[BinaryIO, TableLayout], RowWriter]]] = {
    ".csv": CsvRows,
    ".xlsx": _ExcelRows,
    ".parquet": _ParquetRows,
}

"""Write tables of text as CSV, Excel or Parquet, in constant memory; a partly written file is never visible."""

import csv
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Final

Row = Sequence[str | None]
"""Cells in the order of the columns; None is a value that is missing, written as an empty cell but in Parquet."""

MOST_IN_EXCEL: Final = 1_048_575
"""Rows of a worksheet, without the header."""
ROW_GROUP: Final = 10_000
_FORMULA: Final = re.compile(r"[=@\t\r]|[+\-](?![\d ()]*$)")


class TableRefused(Exception):
    """The file cannot be written, or cannot hold the table; one line that says why."""


def kind_of(file: Path) -> str:
    """Return the format of a file by the suffix of its name.

    Raises:
        TableRefused: Not at all.
    """
    kind = file.suffix.lower()
    if kind not in _KINDS:
        raise TableRefused(f"{file.name} is no file that can be written: end it in {' or '.join(_KINDS)}")
    if not file.parent.is_dir():
        raise TableRefused(f"{file.parent} is no folder: make it first")
    return kind


def write_table(file: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    """Write a table for its owner's eyes alone; what stands there already is replaced once the new file is whole.

    CSV is comma-separated UTF-8 with a byte order mark, and has a `'` before what a spreadsheet would run.

    Raises:
        TableRefused: It cannot be written there, or is too long for Excel.
    """
    part = file.with_name(f".{file.name}.writing")
    write = _KINDS[kind_of(file)]
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        write(part, columns, rows)
        part.replace(file)
    except OSError as error:
        raise TableRefused(f"{file} cannot be written: {error.strerror or type(error).__name__}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _write_csv(file: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    with file.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(columns)
        writer.writerows([harmless(cell or "") for cell in row] for row in rows)


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; a telephone number with its + stays as it is."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _write_xlsx(file: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    """Every cell is text, so `0010` stays as it is and `=1+1` is not run."""
    from xlsxwriter import Workbook

    with file.open("wb") as handle, closing(Workbook(handle, {"constant_memory": True})) as book:
        sheet = book.add_worksheet("customers")
        sheet.freeze_panes(1, 0)
        _write_cells(sheet.write_string, 0, columns)
        for at, row in enumerate(rows, start=1):
            if at > MOST_IN_EXCEL:
                raise TableRefused(f"more than {MOST_IN_EXCEL:,} rows are too many for Excel: write .csv")
            _write_cells(sheet.write_string, at, row)


def _write_cells(write: Callable[[int, int, str], object], at: int, cells: Iterable[str | None]) -> None:
    for column, cell in enumerate(cells):
        if cell:
            write(at, column, cell)


def _write_parquet(file: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([(name, pa.string()) for name in columns])
    with ParquetWriter(file, schema) as writer:
        while group := list(islice(rows, ROW_GROUP)):
            cells = [pa.array(column, pa.string()) for column in zip(*group, strict=True)]
            writer.write_table(pa.table(cells, schema=schema))


_KINDS: Final[dict[str, Callable[[Path, Sequence[str], Iterator[Row]], None]]] = {
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}

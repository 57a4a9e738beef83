"""Export one line per customer of a run, as CSV, Excel or Parquet, in constant memory."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import count, islice
from pathlib import Path
from typing import Final

from armrest.outbox.errors import OutboxError
from armrest.outbox.ledger import Ledger
from armrest.outbox.reporting.queries import outcomes_of_run
from armrest.outbox.runs import Run

COLUMNS: Final = ("customerNo", "outcome", "batchUuid", "reason", "when")
MOST_IN_EXCEL: Final = 1_048_575
"""Rows of a worksheet, without the header."""
ROW_GROUP: Final = 100_000
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

_Line = tuple[str, str, str, str, datetime | None]


class ExportRefused(OutboxError):
    """The file cannot be written, or cannot hold the run."""


def export(ledger: Ledger, run: Run, file: Path) -> int:
    """Write the outcome of every customer of a run, including rejected rows with a number; return how many lines.

    The file suffix sets the format: CSV is comma-separated UTF-8 with a byte order mark. An existing file is replaced
    once the new one is complete.

    Raises:
        ExportRefused: The format is unknown, the folder does not exist or is not writable, or Excel has too few rows.
    """
    write = _KINDS.get(file.suffix.lower())
    if write is None:
        raise ExportRefused(f"{file.name} has no format that can be written: use {' or '.join(_KINDS)}")
    if file.exists() and not (file.is_file() and os.access(file, os.W_OK)):
        raise ExportRefused(f"{file} cannot be written: it exists, and may not be replaced")
    part = file.with_name(f".{file.name}.part")
    written = count()
    try:
        write(part, (line for line, _ in zip(_lines(ledger, run), written, strict=False)))
        part.replace(file)
    except OSError as error:
        raise ExportRefused(f"{file} cannot be written: {error.strerror or type(error).__name__}") from None
    finally:
        part.unlink(missing_ok=True)
    return next(written)


def _lines(ledger: Ledger, run: Run) -> Iterator[_Line]:
    for one in outcomes_of_run(ledger, run):
        if one.customer_no:
            yield one.customer_no, one.outcome, one.batch_uuid or "", one.reason, one.at


def _write_csv(file: Path, lines: Iterable[_Line]) -> None:
    with file.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for customer_no, outcome, batch_uuid, reason, at in lines:
            writer.writerow((_harmless(customer_no), outcome, batch_uuid, _harmless(reason), _time(at)))


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula. A batchUuid cannot be one, so it needs no escape."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _write_xlsx(file: Path, lines: Iterable[_Line]) -> None:
    """Every cell is text, so `0010` stays as it is and `=1+1` is not run."""
    from xlsxwriter import Workbook

    with file.open("wb") as handle, Workbook(handle, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("customers")
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(COLUMNS) - 1, 24)
        _write_cells(sheet.write_string, 0, COLUMNS)
        for row, (*texts, at) in enumerate(lines, start=1):
            if row > MOST_IN_EXCEL:
                raise ExportRefused(
                    f"the run has more than {MOST_IN_EXCEL:,} customers, too many for Excel: write .csv"
                )
            _write_cells(sheet.write_string, row, (*texts, _time(at)))


def _write_cells(write: Callable[[int, int, str], object], row: int, cells: Iterable[str]) -> None:
    for column, cell in enumerate(cells):
        write(row, column, cell)


def _write_parquet(file: Path, lines: Iterator[_Line]) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    texts = [(name, pa.string()) for name in COLUMNS[:-1]]
    schema = pa.schema([*texts, (COLUMNS[-1], pa.timestamp("ms", tz="UTC"))])
    with ParquetWriter(file, schema) as writer:
        while group := list(islice(lines, ROW_GROUP)):
            columns = zip(zip(*group, strict=True), schema, strict=True)
            writer.write_table(pa.table([pa.array(cells, field.type) for cells, field in columns], schema=schema))


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


_KINDS: Final[dict[str, Callable[[Path, Iterator[_Line]], None]]] = {
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}

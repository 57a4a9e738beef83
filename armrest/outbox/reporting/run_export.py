"""Export one line per customer of a run, as CSV, Excel or Parquet, in constant memory."""

from itertools import count
from pathlib import Path
from typing import Final

from armrest.outbox.errors import OutboxError
from armrest.outbox.ledger import Ledger
from armrest.outbox.reporting.outcomes import outcomes_of_run
from armrest.outbox.runs import Run
from armrest.tabular import TableLayout, TableRefused, write_table

COLUMNS: Final = ("customerNo", "outcome", "batchUuid", "reason", "when")
_LAYOUT: Final = TableLayout(columns=COLUMNS, times=("when",), codes=("batchUuid",))


class ExportRefused(OutboxError):
    """The file cannot be written, or cannot hold the run."""


def export(ledger: Ledger, run: Run, file: Path) -> int:
    """Write the outcome of every customer of a run, including rejected rows with a number; return how many lines.

    The file suffix sets the format. An existing file is replaced once the new one is complete.

    Raises:
        ExportRefused: The format is unknown, the folder does not exist or is not writable, or Excel has too few rows.
    """
    written = count()
    rows = (
        (outcome.customer_no, outcome.outcome, outcome.batch_uuid or "", outcome.reason, outcome.at)
        for outcome in outcomes_of_run(ledger, run)
        if outcome.customer_no
    )
    try:
        write_table(file, _LAYOUT, (row for row, _ in zip(rows, written, strict=False)))
    except TableRefused as refused:
        raise ExportRefused(str(refused)) from None
    return next(written)

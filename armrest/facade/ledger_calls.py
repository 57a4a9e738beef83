"""Calls that read only the ledger."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from armrest.facade.connection_base import ConnectionBase
from armrest.facade.options import client_number
from armrest.facade.tables import HISTORY, OUTCOMES, RUNS, data_frame
from armrest.facade.wording import python_words
from armrest.outbox import RunSummary, export, find_run, outcomes_of_customer, outcomes_of_run, summaries

if TYPE_CHECKING:
    import pandas as pd


class LedgerCalls(ConnectionBase):
    """The runs, the outcome of every customer of a run, and the history of a customer."""

    def runs(self) -> "pd.DataFrame":
        """Return a row for each run, the newest first."""
        with self._workspace() as workspace:
            return data_frame(RUNS, map(_run_row, summaries(workspace.outbox.ledger)))

    async def aruns(self) -> "pd.DataFrame":
        """Like `runs`, for a running event loop."""
        return await asyncio.to_thread(self.runs)

    def outcomes(self, run_id: str) -> "pd.DataFrame":
        """Return a row for each customer of a run: customerNo, outcome, batchUuid, reason, at.

        `outcome` is `updated`, `failed`, `superseded`, `open`, `planned` or `rejected`.
        """
        with self._workspace() as workspace:
            ledger = workspace.outbox.ledger
            outcomes = outcomes_of_run(ledger, find_run(ledger, run_id))
            rows = ((one.customer_no, one.outcome, one.batch_uuid, one.reason, one.at) for one in outcomes)
            return data_frame(OUTCOMES, rows)

    async def aoutcomes(self, run_id: str) -> "pd.DataFrame":
        """Like `outcomes`, for a running event loop."""
        return await asyncio.to_thread(self.outcomes, run_id)

    def history(self, customer_no: str, *, client_no: int) -> "pd.DataFrame":
        """Return a row for each run that contains a customer, the newest first; empty if none does."""
        with self._workspace() as workspace:
            number = client_number(client_no)
            outcomes = outcomes_of_customer(workspace.outbox.ledger, number, str(customer_no))
            rows = (
                (one.run_id, one.outcome, one.batch_uuid, one.reason, one.at, ", ".join(one.fields)) for one in outcomes
            )
            return data_frame(HISTORY, rows)

    async def ahistory(self, customer_no: str, *, client_no: int) -> "pd.DataFrame":
        """Like `history`, for a running event loop."""
        return await asyncio.to_thread(self.history, customer_no, client_no=client_no)

    def export(self, run_id: str, file: str | Path) -> int:
        """Write the outcome of every customer of a run to a .csv, .xlsx or .parquet file; return their number."""
        with self._workspace() as workspace:
            ledger = workspace.outbox.ledger
            return export(ledger, find_run(ledger, run_id), Path(file).expanduser())

    async def aexport(self, run_id: str, file: str | Path) -> int:
        """Like `export`, for a running event loop."""
        return await asyncio.to_thread(self.export, run_id, file)


def _run_row(run: RunSummary) -> Sequence[Any]:
    counts = run.customers
    figures = (counts.planned, counts.settled, counts.failed, counts.open)
    return (
        run.run_id,
        run.client_no,
        run.kind,
        run.source,
        str(run.state),
        *figures,
        python_words(run.message),
        run.created,
    )

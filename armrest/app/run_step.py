"""The monitoring step of a run, which encloses the steps of its plan, its batches and its polls."""

from contextlib import AbstractContextManager

from armrest.outbox import Run, RunSummary
from armrest.telemetry import Step, step


def run_step(run: Run) -> AbstractContextManager[Step]:
    """Open the step of a run during the block."""
    return step("run", client_no=run.client_no, run_id=run.run_id, kind=run.kind)


def note_end(ran: Step, ended: RunSummary) -> None:
    """Record how a run ended: its state and its figures."""
    customers, batches = ended.customers, ended.batches
    ran.set(
        state=ended.state,
        read=customers.read,
        rejected=customers.rejected,
        unchanged=customers.unchanged,
        customers=customers.planned,
        settled=customers.settled,
        failed=customers.failed,
        open=customers.open,
        batches=batches.planned,
    )

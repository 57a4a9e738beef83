"""Record how a run ended: its state and one sentence."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from armrest.outbox import (
    NOT_SENT,
    SINGLE,
    CustomerCounts,
    Fence,
    Lease,
    LeaseHeld,
    LeaseLost,
    Outbox,
    Run,
    RunState,
    RunSummary,
    StoppedBy,
    Unheld,
    find_run,
    note_stop,
    summary,
    update_run,
)
from armrest.plurals import quantity

STOPPED: Final[Mapping[StoppedBy, str]] = {
    "person": "stopped by a person",
    "machine": "stopped because its worker or machine was shut down",
    "unknown": "stopped, and Prefect did not say by whom",
}


def finish(
    outbox: Outbox, run: Run, fence: Fence, *, stopped: str = "", stopped_by: StoppedBy | None = None
) -> RunSummary:
    """Record how a run stands now, and return its summary.

    `Completed`: every customer that it sent is settled, or it had nothing to send. `Unsettled`: all were sent, and some
    are still open. `Stopped`: some were not sent. `PartlyFailed`: ARM refused some. `Failed`: it was stopped, with the
    reason, and by whom if it was not ARM. An update of one customer that was stopped is `Failed`, and nothing is open.

    Raises:
        LeaseLost, LeaseHeld: Another process has taken over the run; nothing is written.
    """
    with outbox.ledger.transaction() as ledger:  # the state is that of the figures: nothing is settled in between
        run_summary = summary(ledger, run.run_id)
        is_fixable = bool(stopped) and stopped_by is None
        message = describe_outcome(run_summary, stopped, is_fixable=is_fixable)
        state = _state(run_summary, stopped)
        known: dict[str, Any] = {"stopped_by": stopped_by} if stopped_by or not _is_open(run_summary.customers) else {}
        update_run(ledger, run, fence, state=state, message=message, ended_at=ledger.now(), **known)
    return summary(outbox.ledger, run.run_id)


def finish_stopped(outbox: Outbox, run: Run, by: StoppedBy, *, lease: Lease | None) -> RunSummary:
    """Record that a run was stopped before its end, by whom, and how much of it was sent; return its summary.

    A run that had ended keeps its state and message. A run that another process has resumed stays unchanged.

    Args:
        lease: The lease that the caller holds for the run, if any.
    """
    run = find_run(outbox.ledger, run.run_id)
    run_summary = summary(outbox.ledger, run.run_id)
    by = "person" if run.stopped_by == "person" else by  # stopped in part, or before it resumed
    if run.started_at is not None and not _is_open(run_summary.customers):
        with suppress(LeaseLost, LeaseHeld):  # another process has the run, and will record how it ended
            return finish(outbox, run, lease or Unheld(outbox.ledger, run))
        return summary(outbox.ledger, run.run_id)
    if run.ended_at is None:
        note_stop(outbox.ledger, run, by, lease=lease, **_stopped(outbox, run, run_summary, by))
    elif run_summary.customers.open:
        note_stop(outbox.ledger, run, by, lease=lease)
    return summary(outbox.ledger, run.run_id)


def _stopped(outbox: Outbox, run: Run, run_summary: RunSummary, by: StoppedBy) -> dict[str, Any]:
    """Return the state, message and end time of a run that was stopped."""
    if run.request.dry_run:
        return {"message": f"{STOPPED[by]}; nothing was sent"}
    ended_at = outbox.ledger.now()
    if run.started_at is None:
        return {"state": RunState.FAILED, "message": f"{STOPPED[by]}; nothing was sent", "ended_at": ended_at}
    return {"state": RunState.FAILED, "message": describe_outcome(run_summary, STOPPED[by]), "ended_at": ended_at}


def finish_later(outbox: Outbox, run: Run) -> RunSummary:
    """Record the new outcome of a run that had ended, if it has changed, and return its summary.

    A run that was stopped stays `Failed` while any of its customers are open.

    Raises:
        LeaseHeld: Another process has taken the run's client, and will record the outcome itself.
    """
    run_summary = summary(outbox.ledger, run.run_id)
    unchanged = (run_summary.state, run_summary.message) == (
        _state(run_summary, ""),
        describe_outcome(run_summary),
    )
    if unchanged or (run_summary.state is RunState.FAILED and run_summary.customers.open):
        return run_summary
    return finish(outbox, run, Unheld(outbox.ledger, run))


def _state(run: RunSummary, stopped: str) -> RunState:
    if not _is_open(run.customers):
        is_given_up = stopped and run.kind == SINGLE  # its batch was closed, so that nothing waits for it
        if run.customers.failed and is_given_up:
            return RunState.FAILED
        return RunState.PARTLY_FAILED if run.customers.failed else RunState.COMPLETED
    if stopped:
        return RunState.FAILED
    return RunState.STOPPED if run.unsent else RunState.UNSETTLED


def _is_open(customers: CustomerCounts) -> bool:
    """Whether any customer is still unsent or not settled, including before sending begins."""
    return customers.planned > customers.settled + customers.failed + customers.superseded


def describe_outcome(summary: RunSummary, stopped: str = "", *, is_fixable: bool = False) -> str:
    """Return one sentence about a run that was sent: what stopped it, and how many are open, refused and updated.

    It counts what was not sent apart from what ARM has not answered.

    Args:
        is_fixable: Somebody can remove what stopped the run, such as a login that fails, and then resume it.
    """
    customers, batches = summary.customers, summary.batches
    if not customers.planned:
        return stopped or "nothing to send"
    if summary.kind == SINGLE and customers.failed:  # it has no artifact, and its values are not sent again later
        again = "ARM has accepted nothing; once that is fixed, update the customer again"
        return f"{stopped}; {again}" if stopped else "ARM refused the customer"
    parts = [stopped] if stopped else []
    if is_fixable and _nothing_sent(summary):
        parts.append("ARM has accepted nothing")
    elif customers.open:
        parts.append(_left(summary))
    if not_sent := sum(number for reason, number in summary.failed_why if reason.startswith(NOT_SENT)):
        parts.append(f"{_customers(not_sent)} not sent by themselves, `armrest rerun {summary.run_id}` sends them")
        parts += [f"{_customers(customers.failed - not_sent)} refused"] if customers.failed > not_sent else []
    elif customers.failed:
        where = f", in {batches.failed:,} of {quantity(batches.planned, 'batch')}" if batches.failed else ""
        parts.append(f"{_customers(customers.failed)} refused{where}")
    if customers.superseded:
        parts.append(f"{_customers(customers.superseded)} superseded by newer data")
    if not parts or (customers.settled and not customers.failed):
        parts.append(f"{customers.settled:,} of {_customers(customers.planned)} updated")
    where = f": see arm-failed-customers-{summary.client_no}" if customers.failed else ""
    advice = f"; once that is fixed: `armrest resume {summary.run_id}`" if is_fixable and customers.open else ""
    return "; ".join(parts) + where + advice


def _nothing_sent(run: RunSummary) -> bool:
    return run.unsent == run.batches.planned


def _left(run: RunSummary) -> str:
    """Describe what is left of a run: `77 batches not sent, 8 not answered (850 customers)`."""
    customers = _customers(run.customers.open)
    if not run.unsent:
        return f"{run.batches.open:,} of {quantity(run.batches.planned, 'batch')} still open ({customers})"
    unanswered = f", {run.batches.open - run.unsent:,} not answered" if run.batches.open > run.unsent else ""
    return f"{quantity(run.unsent, 'batch')} not sent{unanswered} ({customers})"


def _customers(number: int) -> str:
    return quantity(number, "customer")

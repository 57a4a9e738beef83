"""How a run ended, in a state and one sentence."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from armrest.outbox import (
    CustomerCounts,
    Fence,
    Lease,
    LeaseHeld,
    LeaseLost,
    Outbox,
    Run,
    RunSummary,
    State,
    StoppedBy,
    Unheld,
    batches_in,
    find_run,
    note_stop,
    summary,
    update_run,
)

STOPPED: Final[Mapping[StoppedBy, str]] = {
    "person": "stopped by a person",
    "machine": "stopped because its worker or machine was shut down",
    "unknown": "stopped, and Prefect did not say by whom",
}


def finish(
    outbox: Outbox, run: Run, fence: Fence, *, stopped: str = "", stopped_by: StoppedBy | None = None
) -> RunSummary:
    """Write down how a run stands now, and return it.

    `Completed`: every customer that it sent is settled, or it had nothing to send. `Unsettled`: some are still open.
    `PartlyFailed`: ARM refused some. `Failed`: it was stopped, for the reason given, and by whom if it was not ARM.

    Raises:
        LeaseLost, LeaseHeld: The run is another process's by now; nothing is written.
    """
    with outbox.ledger.joint():  # what is written is what holds at that moment
        found = summary(outbox.ledger, run.run_id)
        state, message = _state(found.customers, stopped), describe_outcome(found, stopped)
        known: dict[str, Any] = {"stopped_by": stopped_by} if stopped_by or not _is_open(found.customers) else {}
        update_run(outbox.ledger, run, fence, state=state, message=message, ended_at=outbox.ledger.now(), **known)
    return summary(outbox.ledger, run.run_id)


def finish_stopped(outbox: Outbox, run: Run, by: StoppedBy, *, lease: Lease | None) -> RunSummary:
    """Write down that a run was stopped before its end, by whom, and what was sent of it; return how it stands.

    A run that had ended keeps its state and its message. One that another process has resumed by now stays as it is.

    Args:
        lease: The lease that the caller holds for the run, if it holds one.
    """
    run = find_run(outbox.ledger, run.run_id)
    found = summary(outbox.ledger, run.run_id)
    by = "person" if run.stopped_by == "person" else by  # of a part of it, or it was not yet under way again
    if run.started_at is not None and not _is_open(found.customers):
        with suppress(LeaseLost, LeaseHeld):  # another process has it, and will write down how it ended
            return finish(outbox, run, lease or Unheld(outbox.ledger, run))
        return summary(outbox.ledger, run.run_id)
    if run.ended_at is None:
        note_stop(outbox.ledger, run, by, lease=lease, **_stopped(outbox, run, found, by))
    elif found.customers.open:
        note_stop(outbox.ledger, run, by, lease=lease)
    return summary(outbox.ledger, run.run_id)


def _stopped(outbox: Outbox, run: Run, found: RunSummary, by: StoppedBy) -> dict[str, Any]:
    """Return state, message and end of a run that was stopped."""
    if run.request.get("dry_run"):
        return {"message": f"{STOPPED[by]}; nothing was sent"}
    ended_at = outbox.ledger.now()
    if run.started_at is None:
        return {"state": "Failed", "message": f"{STOPPED[by]}; nothing was sent", "ended_at": ended_at}
    unsent = batches_in(outbox.ledger, run, [State.PLANNED, State.HELD])
    rest = _customers(sum(batch.sent_customers for batch in unsent))
    stopped = f"{STOPPED[by]}; {found.batches.planned - len(unsent)} of {found.batches.planned} batches were sent"
    stopped += f", {len(unsent)} were not ({rest})" if unsent else ""
    return {"state": "Failed", "message": describe_outcome(found, stopped), "ended_at": ended_at}


def finish_later(outbox: Outbox, run: Run) -> RunSummary:
    """Write down anew how a run stands that had ended, where that has changed, and return it.

    What had stopped it still stands while some of it is open.

    Raises:
        LeaseHeld: A process has taken the run's client meanwhile, and will write it down itself.
    """
    found = summary(outbox.ledger, run.run_id)
    as_before = (found.state, found.message) == (_state(found.customers, ""), describe_outcome(found))
    if as_before or (found.state == "Failed" and found.customers.open):
        return found
    return finish(outbox, run, Unheld(outbox.ledger, run))


def _state(people: CustomerCounts, stopped: str) -> str:
    if _is_open(people):
        return "Failed" if stopped else "Unsettled"
    return "PartlyFailed" if people.failed else "Completed"


def _is_open(people: CustomerCounts) -> bool:
    """Tell whether something is still to be sent or settled, be it that the sending has not begun."""
    return people.planned > people.settled + people.failed + people.superseded


def describe_outcome(found: RunSummary, stopped: str = "") -> str:
    """Return one sentence of figures about a run that was sent: what stopped it, what is in trouble, what is done."""
    people, sent = found.customers, found.batches
    if not people.planned:
        return stopped or "nothing to send"
    parts = [stopped] if stopped else []
    if people.open:
        parts.append(f"{sent.open} of {sent.planned} batches still open ({_customers(people.open)})")
    if people.failed:
        refused = f"{sent.failed} of {sent.planned} batches refused"
        parts.append(
            f"{refused} ({_customers(people.failed)})" if sent.failed else f"{_customers(people.failed)} refused"
        )
    if people.superseded:
        parts.append(f"{_customers(people.superseded)} superseded by newer data")
    if not parts or (people.settled and not people.failed):
        parts.append(f"{people.settled} of {_customers(people.planned)} updated")
    where = f": see arm-failed-customers-{found.client_no}" if people.failed else ""
    return "; ".join(parts) + where


def _customers(number: int) -> str:
    return f"{number} customer{'' if number == 1 else 's'}"

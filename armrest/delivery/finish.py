"""How a run ended, in a state and one sentence."""

from armrest.outbox import CustomerCounts, Fence, Outbox, Run, RunSummary, Unheld, note_run, summary


def finish(outbox: Outbox, run: Run, fence: Fence, *, stopped: str = "") -> RunSummary:
    """Write down how a run stands now, and return it.

    `Completed`: every customer that it sent is settled, or it had nothing to send. `Unsettled`: some are still open.
    `PartlyFailed`: ARM refused some. `Failed`: it was stopped, for the reason given.

    Raises:
        LeaseLost, LeaseHeld: The run is another process's by now; nothing is written.
    """
    with outbox.ledger.joint():  # what is written is what holds at that moment
        found = summary(outbox.ledger, run.run_id)
        state, message = _state(found.customers, stopped), sentence(found, stopped)
        note_run(outbox.ledger, run, fence, state=state, message=message, ended_at=outbox.ledger.now())
    return summary(outbox.ledger, run.run_id)


def finish_later(outbox: Outbox, run: Run) -> RunSummary:
    """Write down anew how a run stands that had ended, where that has changed, and return it.

    What had stopped it still stands while some of it is open.

    Raises:
        LeaseHeld: A process has taken the run's client meanwhile, and will write it down itself.
    """
    found = summary(outbox.ledger, run.run_id)
    as_before = (found.state, found.message) == (_state(found.customers, ""), sentence(found))
    if as_before or (found.state == "Failed" and found.customers.open):
        return found
    return finish(outbox, run, Unheld(outbox.ledger, run))


def _state(people: CustomerCounts, stopped: str) -> str:
    if people.planned > people.settled + people.failed + people.superseded:  # open, or the sending had not begun
        return "Failed" if stopped else "Unsettled"
    return "PartlyFailed" if people.failed else "Completed"


def sentence(found: RunSummary, stopped: str = "") -> str:
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

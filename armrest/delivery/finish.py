"""How a run ended, in a state and one sentence."""

from armrest.outbox import CustomerCounts, Outbox, Run, RunSummary, note_run, summary


def finish(outbox: Outbox, run: Run, *, stopped: str = "") -> RunSummary:
    """Write down how a run stands now, and return it.

    `Completed`: every customer that it sent is settled, or it had nothing to send. `Unsettled`: some are still open.
    `PartlyFailed`: ARM refused some. `Failed`: it was stopped, for the reason given.
    """
    found = summary(outbox.ledger, run.run_id)
    people = found.customers
    note_run(
        outbox.ledger,
        run,
        state=_state(people, stopped),
        message=sentence(found, stopped),
        ended_at=outbox.ledger.now(),
    )
    return summary(outbox.ledger, run.run_id)


def _state(people: CustomerCounts, stopped: str) -> str:
    if people.open:
        return "Failed" if stopped else "Unsettled"
    return "PartlyFailed" if people.failed else "Completed"


def sentence(found: RunSummary, stopped: str = "") -> str:
    """Return one sentence of figures about a run that was sent."""
    people, sent = found.customers, found.batches
    parts = []
    if people.failed:
        parts.append(
            f"{sent.failed} of {sent.planned} batches with refusals ({_customers(people.failed)}): "
            f"see arm-failed-customers-{found.client_no}"
        )
    if people.open:
        parts.append(f"{sent.open} of {sent.planned} batches still open ({_customers(people.open)})")
    if people.superseded:
        parts.append(f"{_customers(people.superseded)} superseded by newer data")
    if not people.planned:
        return stopped or "nothing to send"
    done = f"{people.settled} of {_customers(people.planned)} updated"
    return "; ".join([*([stopped] if stopped else []), *([done] if not stopped or people.settled else []), *parts])


def _customers(number: int) -> str:
    return f"{number} customer{'' if number == 1 else 's'}"

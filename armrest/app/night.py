"""The outcome of the last night, client by client, as one message without personal data.

Prefect knows which runs were due and their states; the ledger knows what they have sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from armrest.intake import shown_number
from armrest.outbox import CustomerCounts, RepeatedRefusal, RunState, RunSummary
from armrest.plurals import quantity

MOST_REPEATED: Final = 20
MOST_REASONS: Final = 3
LONGEST_REASON: Final = 80


class Verdict(IntEnum):
    """How a client's night went. Verdicts that need a person come first."""

    DID_NOT_RUN = 0
    LATE = 1
    REFUSED = 2
    ASKS = 3
    OPEN = 4
    NOTHING_TO_DO = 5
    GOOD = 6

    @property
    def words(self) -> str:
        """The verdict in words."""
        return _WORDS[self]


_WORDS: Final[Mapping[Verdict, str]] = {
    Verdict.DID_NOT_RUN: "did not run",
    Verdict.LATE: "late",
    Verdict.REFUSED: "refused",
    Verdict.ASKS: "asks for a decision",
    Verdict.OPEN: "still open",
    Verdict.NOTHING_TO_DO: "nothing to do",
    Verdict.GOOD: "good",
}


@dataclass(frozen=True, slots=True)
class DueRun:
    """A flow run of the night, as Prefect has it: `state_type` is Prefect's, such as FAILED."""

    flow_run_id: str
    state_type: str
    state: str
    message: str


@dataclass(frozen=True, slots=True)
class ClientNight:
    """A client's night. `sentence` says what happened; `repeated` has the customers that ARM refuses every night."""

    client_no: int
    verdict: Verdict
    sentence: str
    flow_run_id: str | None = None
    repeated: Sequence[RepeatedRefusal] = ()


def missed_night(client_no: int) -> ClientNight:
    """Return the night of a client whose run was never created."""
    return ClientNight(client_no, Verdict.DID_NOT_RUN, "no run was made: is the schedule on, and does a worker run?")


def client_night(
    client_no: int,
    due: DueRun,
    run: RunSummary | None,
    *,
    repeated: Sequence[RepeatedRefusal] = (),
    unresolved: int = 0,
) -> ClientNight:
    """Return how a client's night went.

    Args:
        due: The flow run that was due.
        run: The ledger's record of it; None: it has planned and sent nothing.
        repeated: Customers that ARM has refused on several nights.
        unresolved: How many refused customers were not sent again since, or were refused again.
    """
    verdict, sentence = _of_flow_run(due) if run is None else _of_run(due, run, unresolved)
    return ClientNight(client_no, verdict, sentence, due.flow_run_id, repeated)


def _of_flow_run(due: DueRun) -> tuple[Verdict, str]:
    if due.state_type in {"SCHEDULED", "PENDING"}:
        return Verdict.LATE, f"the run has not begun ({due.state}): does a worker run?"
    if due.state_type in {"RUNNING", "CANCELLING", "PAUSED"}:
        return Verdict.LATE, f"the run has not ended ({due.state})"
    if due.state_type in {"CRASHED", "CANCELLED"}:
        return Verdict.DID_NOT_RUN, _said(due.state, due.message)
    return Verdict.REFUSED, _said(due.state, due.message)


def _of_run(due: DueRun, run: RunSummary, unresolved: int) -> tuple[Verdict, str]:
    customers = run.customers
    if due.state_type == "PAUSED":
        return Verdict.ASKS, "a limit was hit: nothing is sent until a person decides"
    if run.shown_state == "NotApproved":
        return Verdict.REFUSED, f"nothing was sent: {run.decided}"
    if not run.state.is_final:
        return Verdict.LATE, f"the run has not ended ({run.state})"
    sentences: dict[RunState, Callable[[], tuple[Verdict, str]]] = {
        RunState.COMPLETED: lambda: _completed(due, customers),
        RunState.PARTLY_FAILED: lambda: _partly_failed(run, unresolved),
        RunState.UNSETTLED: lambda: _open(run),
        RunState.STOPPED: lambda: _open(run),
    }
    return sentences.get(run.state, lambda: (Verdict.REFUSED, _said(run.state, run.message)))()


def _partly_failed(run: RunSummary, unresolved: int) -> tuple[Verdict, str]:
    customers = run.customers
    refused = f"{customers.failed:,} of {quantity(customers.planned, 'customer')}"
    if run.children and not unresolved:
        return Verdict.GOOD, f"ARM refused {refused} at first; they have been sent again since"
    reasons = "; ".join(f"{number:,} × {reason[:LONGEST_REASON]}" for reason, number in run.failed_why[:MOST_REASONS])
    return Verdict.REFUSED, f"ARM refused {refused}: {reasons}"


def _open(run: RunSummary) -> tuple[Verdict, str]:
    if run.unsent:
        return Verdict.OPEN, f"{run.message}; resume the run"
    customers = run.customers
    left = f"{customers.open:,} of {quantity(customers.planned, 'customer')}"
    return Verdict.OPEN, f"ARM has not finished {left}; it is asked again every ten minutes"


def _completed(due: DueRun, customers: CustomerCounts) -> tuple[Verdict, str]:
    rejected = f"; {quantity(customers.rejected, 'row')} rejected" if customers.rejected else ""
    if due.state == "Drift":
        return (
            Verdict.REFUSED,
            f"{quantity(customers.settled, 'customer')} updated, but ARM shows other values for some of them",
        )
    if customers.planned:
        return Verdict.GOOD, f"{customers.settled:,} of {quantity(customers.planned, 'customer')} updated{rejected}"
    if customers.unchanged and customers.unchanged == customers.read - customers.rejected:
        right = f"the file was read, and is as ARM has it ({quantity(customers.unchanged, 'customer')})"
        return Verdict.NOTHING_TO_DO, f"that is right: {right}{rejected}"
    doubt = "see whether that is right"
    return Verdict.NOTHING_TO_DO, f"none of {quantity(customers.read, 'row')} was to be sent: {doubt}{rejected}"


def _said(state: str, message: str) -> str:
    return f"{state}: {message}" if message else state


def night_subject(nights: Sequence[ClientNight], at: datetime) -> str:
    """Return the night in one line: `ARM, night to 2026-11-29: 1 refused, 3 good`."""
    counted = [
        f"{number} {verdict.words}" for verdict in Verdict if (number := sum(n.verdict is verdict for n in nights))
    ]
    return f"ARM, night to {at:%Y-%m-%d}: {', '.join(counted)}"


def night_text(nights: Sequence[ClientNight], *, ui: str) -> str:
    """Return the night client by client, those that need a person first, each with the address of its run.

    Args:
        ui: The address of Prefect's UI; empty: there are no links.
    """
    lines: list[str] = []
    for night in sorted(nights, key=lambda night: (night.verdict, night.client_no)):
        lines.append(f"{night.client_no}: {night.verdict.words}. {night.sentence}")
        if night.flow_run_id and ui:
            lines.append(f"  {ui}/runs/flow-run/{night.flow_run_id}")
        lines += [
            f"  customer {shown_number(refusal.customer_no)}: refused on {quantity(refusal.nights, 'night')}"
            for refusal in night.repeated
        ]
    return "\n".join(lines)

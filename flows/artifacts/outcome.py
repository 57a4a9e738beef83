"""The outcome of a run in a line: what a list of artifacts shows, and what a notice begins with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from armrest.outbox import RunState, RunSummary
from armrest.plurals import quantity

MOST_REASONS: Final = 3
LONGEST_REASON: Final = 120


@dataclass(frozen=True, slots=True)
class Healing:
    """A rerun of a run: how many of its customers it sent again, and what it has come to."""

    run_id: str
    flow_run_id: str | None
    state: str
    sent: int
    updated: int
    failed: int
    open: int


def outcome_line(run: RunSummary, healings: Sequence[Healing] = ()) -> str:
    """Return state and figures: `PartlyFailed: 3 of 4,975 customers refused, 25 rows rejected`."""
    return f"{run.shown_state}: {', '.join(_figures(run, healings))}"


def reasons_line(run: RunSummary) -> str:
    """Return the most frequent reasons, each with its count: `2 × no such customer; 1 × …`; empty if there are none."""
    named = [f"{number:,} × {_short(reason)}" for reason, number in run.failed_why[:MOST_REASONS]]
    more = len(run.failed_why) - MOST_REASONS
    return "; ".join([*named, f"and {quantity(more, 'more reason')}"] if more > 0 else named)


def _figures(run: RunSummary, healings: Sequence[Healing]) -> list[str]:
    customers = run.customers
    figures: list[str] = []
    if customers.failed:
        figures.append(f"{customers.failed:,} of {quantity(customers.planned, 'customer')} refused")
    if healed := sum(healing.updated for healing in healings):
        figures.append(f"{healed:,} of them updated since by {_runs(healings)}")
    if customers.open:
        figures.append(f"{customers.open:,} of {quantity(customers.planned, 'customer')} {_why_open(run)}")
    if customers.rejected:
        figures.append(f"{quantity(customers.rejected, 'row')} rejected")
    return figures or [_good(run)]


def _why_open(run: RunSummary) -> str:
    if not run.unsent:
        return "still open"
    return "not sent" if run.unsent == run.batches.open else "not sent or still open"


def _good(run: RunSummary) -> str:
    customers = run.customers
    if run.state is RunState.PLANNED:
        return f"{quantity(customers.planned, 'customer')} in {quantity(run.batches.planned, 'batch')}, nothing sent"
    if run.state is RunState.COMPLETED and customers.planned:
        return f"{customers.settled:,} of {quantity(customers.planned, 'customer')} updated"
    if run.state is RunState.COMPLETED:
        return "nothing to send"
    return "nothing sent" if run.started is None else f"{customers.settled:,} of {customers.planned:,} updated so far"


def _runs(healings: Sequence[Healing]) -> str:
    runs = [healing.run_id for healing in healings if healing.updated]
    return f"run {runs[-1]}" if len(runs) == 1 else f"{len(runs)} runs, the last {runs[-1]}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"

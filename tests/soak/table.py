"""What a soak has shown: fault by fault, how often, whom it befell, and what is wrong with them afterwards."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import Final

from armrest.sandbox import Fault
from tests.kills.workspace import books_after
from tests.soak.trial import BY_REQUEST, Trial
from tests.soak.verdict import Verdict
from tests.soak.witness import POISON

FAULTS: Final = (*BY_REQUEST, Fault.PARTIAL, POISON)
HEADINGS: Final = ("fault", "times injected", "customers affected", "lost", "out of order", "unexplained")


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, in the order of `HEADINGS`."""

    fault: str
    times: int
    customers: int
    lost: int
    out_of_order: int
    unexplained: int


def rows(trial: Trial, verdict: Verdict) -> Iterator[Row]:
    """Yield a row for each fault, and the last for everybody, whatever befell them."""
    witness = trial.witness
    for fault in FAULTS:
        yield _row(fault, witness.times(fault), witness.befell(fault), verdict)
    yield _row("SIGKILL", trial.deaths, trial.died_with, verdict)
    everybody = {number for client in trial.clients for number in books_after(*client.files)}
    yield _row("in all", sum(map(witness.times, FAULTS)) + trial.deaths, everybody | verdict.wronged, verdict)


def _row(fault: str, times: int, befallen: set[str], verdict: Verdict) -> Row:
    wrongs = (verdict.lost, verdict.out_of_order, verdict.unexplained)
    return Row(fault, times, len(befallen), *(len(befallen & wrong.keys()) for wrong in wrongs))


def table(told: Iterable[Row]) -> str:
    """Return rows under their headings, for a terminal."""
    return "\n".join(map(_line, [HEADINGS, *map(astuple, told)]))


def _line(cells: tuple[str | int, ...]) -> str:
    fault, *figures = cells
    shown = (
        f"{figure:>{len(heading)},}" if isinstance(figure, int) else figure
        for figure, heading in zip(figures, HEADINGS[1:], strict=True)
    )
    return "   ".join([f"{fault:<13}", *shown])

"""The run that the library returns: its figures, its outcomes, and what to do next."""

from html import escape
from typing import TYPE_CHECKING, Any, Final, Protocol, Unpack

from armrest.app.plan_view import describe_finding
from armrest.errors import ArmrestError
from armrest.facade.options import SendOptions
from armrest.facade.wording import python_words
from armrest.intake import InputRefused
from armrest.outbox import BatchCounts, CustomerCounts, RunState, RunSummary

if TYPE_CHECKING:
    import pandas as pd

MOST_LISTED: Final = 10


class RunActions(Protocol):
    """What a run needs from its connection."""

    def outcomes(self, run_id: str) -> "pd.DataFrame":
        """Return the outcome of every customer."""

    async def aoutcomes(self, run_id: str) -> "pd.DataFrame":
        """Return the outcome of every customer."""

    def resume(self, run_id: str, **options: Unpack[SendOptions]) -> "Run":
        """Continue the run."""

    async def aresume(self, run_id: str, **options: Unpack[SendOptions]) -> "Run":
        """Continue the run."""


class Run:
    """A run, with its figures as they were when the call returned.

    Attributes:
        summary: All figures; `armrest.run(run_id)` reads them again.
    """

    def __init__(self, summary: RunSummary, actions: RunActions) -> None:
        self.summary = summary
        self._actions = actions

    @property
    def run_id(self) -> str:
        """The id of the run. `armrest show` and Prefect use it, too."""
        return self.summary.run_id

    @property
    def client_no(self) -> int:
        """The client's number in ARM."""
        return self.summary.client_no

    @property
    def state(self) -> RunState:
        """How it ended: `Completed`, `PartlyFailed`, `Unsettled`, `Stopped`, `InputRejected` or `Failed`."""
        return self.summary.state

    @property
    def message(self) -> str:
        """One sentence about its end. `summary.message` is the one in the ledger, which names commands."""
        return python_words(self.summary.message)

    @property
    def customers(self) -> CustomerCounts:
        """How many customers had which outcome."""
        return self.summary.customers

    @property
    def batches(self) -> BatchCounts:
        """How many batches are in which state."""
        return self.summary.batches

    @property
    def batch_uuids(self) -> list[str]:
        """The ids that ARM gave to the batches."""
        return self.summary.batch_uuids

    @property
    def rejects_file(self) -> str | None:
        """The file with the rejected rows and the reasons; only its owner can read it."""
        return self.summary.rejects_file

    @property
    def is_complete(self) -> bool:
        """Whether ARM has updated every customer that was to be sent."""
        return self.state is RunState.COMPLETED

    def raise_for_state(self) -> "Run":
        """Return the run if it is complete.

        Raises:
            RunIncomplete: A customer failed, is open, or was not sent.
        """
        if not self.is_complete:
            raise RunIncomplete(self)
        return self

    def outcomes(self) -> "pd.DataFrame":
        """Read the ledger again, and return a row for each customer: customerNo, outcome, batchUuid, reason, at."""
        return self._actions.outcomes(self.run_id)

    async def aoutcomes(self) -> "pd.DataFrame":
        """Like `outcomes`, for a running event loop."""
        return await self._actions.aoutcomes(self.run_id)

    def resume(self, **options: Unpack[SendOptions]) -> "Run":
        """Continue the run: send what ARM has not acknowledged, and wait for what is still open."""
        return self._actions.resume(self.run_id, **options)

    async def aresume(self, **options: Unpack[SendOptions]) -> "Run":
        """Like `resume`, for a running event loop."""
        return await self._actions.aresume(self.run_id, **options)

    def rows(self) -> list[tuple[str, str]]:
        """Return what `print` shows: pairs of a heading and a text."""
        customers, batches = self.customers, self.batches
        rows = [
            ("state", f"{self.state}: {self.message}"),
            ("client", str(self.client_no)),
            ("customers", _figures(customers, ("read", "rejected", "unchanged", "planned"))),
            ("", _figures(customers, ("settled", "failed", "open", "superseded"))),
            ("batches", _figures(batches, ("planned", "settled", "failed", "open"))),
        ]
        rows += [("rejected", f"{count:,} × {describe_finding(code)}") for code, count in self.summary.rejected_why]
        rows += [("failed", f"{count:,} × {reason}") for reason, count in self.summary.failed_why[:MOST_LISTED]]
        if self.rejects_file:
            rows.append(("rejects", self.rejects_file))
        return rows

    def __repr__(self) -> str:
        return f"<Run {self.run_id}: {self.state}, {self.message}>"

    def __str__(self) -> str:
        return text_table(f"Run {self.run_id}", self.rows())

    def _repr_html_(self) -> str:
        return html_table(f"Run {self.run_id}", self.rows())


class RunRefused(InputRefused):
    """The run was refused, and nothing was sent; `run` has the figures and the rejects file."""

    def __init__(self, message: str, *, code: str, run: Run) -> None:
        super().__init__(message, code=code)
        self.run = run

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.message, self.code, self.run)


class RunIncomplete(ArmrestError):
    """Not every customer of a run was updated; `run` has the figures and the outcomes."""

    def __init__(self, run: Run) -> None:
        hint = "" if "outcomes()" in run.message else "; see outcomes()"
        super().__init__(f"run {run.run_id} ended as {run.state}: {run.message}{hint}")
        self.run = run

    def __reduce__(self) -> tuple[Any, ...]:
        return RunIncomplete, (self.run,)


def _rebuild(message: str, code: str, run: Run) -> RunRefused:
    return RunRefused(message, code=code, run=run)


def _figures(counts: object, names: tuple[str, ...]) -> str:
    return " · ".join(f"{getattr(counts, name):,} {name}" for name in names)


def text_table(title: str, rows: list[tuple[str, str]]) -> str:
    """Return pairs of a heading and a text as lines."""
    width = max((len(heading) for heading, _ in rows), default=0)
    return "\n".join([title, *(f"  {heading:<{width}}  {text}" for heading, text in rows)])


def html_table(title: str, rows: list[tuple[str, str]]) -> str:
    """Return pairs of a heading and a text as a table for a notebook."""
    cell = 'style="text-align: left; vertical-align: top"'
    lines = "".join(
        f"<tr><th {cell}>{escape(heading)}</th><td {cell}>{escape(text)}</td></tr>" for heading, text in rows
    )
    caption = '<caption style="text-align: left; white-space: nowrap">'
    return f"<table>{caption}<b>{escape(title)}</b></caption><tbody>{lines}</tbody></table>"

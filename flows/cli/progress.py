"""Progress of a run on stderr: bars on a terminal, plain lines otherwise."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from armrest.app.watcher import GuardedWatcher, Watcher, watcher
from armrest.plurals import quantity
from flows.cli.output import print_error

if TYPE_CHECKING:
    from rich.progress import Progress

    from armrest.outbox import BatchView

LINE_SECONDS: Final = 5.0


@contextmanager
def show_progress() -> Iterator[None]:
    """Show the progress of the run inside the block."""
    if not sys.stderr.isatty():
        with _watched_by(Lines()):
            yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress, _watched_by(Bars(progress)):
        yield


@contextmanager
def _watched_by(look: Watcher) -> Iterator[None]:
    token = watcher.set(GuardedWatcher(look))
    try:
        yield
    finally:
        watcher.reset(token)


class Lines:
    """Prints a line at most every `LINE_SECONDS`, and only if it has changed."""

    def __init__(self) -> None:
        self._last = ""
        self._next = 0.0

    def reading(self, rows: int) -> None:
        """Print how many rows have been read."""
        self._print(f"read {quantity(rows, 'row')}")

    def sending(self, run_id: str, batches: Sequence["BatchView"]) -> None:
        """Print how many batches are accepted and closed."""
        total, accepted, closed = counts(batches)
        if total:
            self._print(
                f"run {run_id}: {accepted} of {quantity(total, 'batch')} accepted, {closed} closed",
                at_once=closed == total,
            )

    def _print(self, line: str, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if line != self._last and (at_once or now >= self._next):
            print_error(line)
            self._last, self._next = line, now + LINE_SECONDS


class Bars:
    """Bars for rows read, batches accepted and batches closed."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._reading = progress.add_task("rows read", total=None)
        self._accepted = progress.add_task("batches accepted", total=None, visible=False)
        self._closed = progress.add_task("batches closed", total=None, visible=False)

    def reading(self, rows: int) -> None:
        """Update the bar of rows."""
        self._progress.update(self._reading, completed=rows)

    def sending(self, run_id: str, batches: Sequence["BatchView"]) -> None:  # noqa: ARG002  the final summary names the run
        """Update the bars of batches."""
        total, accepted, closed = counts(batches)
        self._progress.update(self._reading, visible=not total)
        for bar, done in ((self._accepted, accepted), (self._closed, closed)):
            self._progress.update(bar, completed=done, total=total, visible=total > 0)


def counts(batches: Sequence["BatchView"]) -> tuple[int, int, int]:
    """Return the number of batches, accepted batches and closed batches; a split batch counts as its parts."""
    own = [batch for batch in batches if batch.state != "SPLIT"]
    closed = sum(batch.settled is not None for batch in own)
    return len(own), max(closed, sum(batch.batch_uuid is not None for batch in own)), closed

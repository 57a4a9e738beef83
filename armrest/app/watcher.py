"""Watch the progress of a run: the command line's progress bar, if any."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Protocol

from armrest.outbox import BatchView


class Watcher(Protocol):
    """Called with progress from the working thread; it must be quick and must not raise."""

    def reading(self, rows: int) -> None:
        """This many rows have been read."""

    def sending(self, run_id: str, batches: Sequence[BatchView]) -> None:
        """These are the current counts of the run's batches."""


watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)

"""Who looks on while a run goes its way: the command line's progress bar, where there is one."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Protocol

from armrest.outbox import BatchView


class Watcher(Protocol):
    """Told of progress now and then, from the thread that works; it must not take long and must not raise."""

    def reading(self, rows: int) -> None:
        """This many rows have been read."""

    def sending(self, run_id: str, batches: Sequence[BatchView]) -> None:
        """This is how the run's batches stand."""


watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)

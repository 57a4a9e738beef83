"""Watch the progress of a run: the command line's progress bar, if any."""

import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Final, Protocol

from armrest.outbox import BatchView

_logger: Final = logging.getLogger(__name__)


class Watcher(Protocol):
    """Called with progress from the working thread; it must be quick, and is called no more once it has raised."""

    def reading(self, rows: int) -> None:
        """This many rows have been read."""

    def sending(self, run_id: str, batches: Sequence[BatchView]) -> None:
        """These are the current counts of the run's batches."""


class GuardedWatcher:
    """Passes progress on until the watcher raises: a run does not end because a terminal or a notebook is gone."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher: Watcher | None = watcher

    def reading(self, rows: int) -> None:
        """Pass on how many rows have been read."""
        self._tell(lambda watcher: watcher.reading(rows))

    def sending(self, run_id: str, batches: Sequence[BatchView]) -> None:
        """Pass on the counts of the run's batches."""
        self._tell(lambda watcher: watcher.sending(run_id, batches))

    def _tell(self, tell: Callable[[Watcher], None]) -> None:
        if self._watcher is None:
            return
        try:
            tell(self._watcher)
        except Exception as error:  # noqa: BLE001  whatever it raises
            self._watcher = None
            _logger.warning("progress is not shown any more (%s); the run goes on", type(error).__name__)


watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)

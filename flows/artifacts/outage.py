"""Bounded calls to Prefect's server, which only shows a run: a failure neither ends the run nor holds it up."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

log = logging.getLogger("armrest.prefect")


class Outage:
    """Whether Prefect's server answers; logs the first failure of a run, and the first success after one.

    Args:
        seconds: The longest time that one call may take.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.failures = 0
        self._is_away = False

    @asynccontextmanager
    async def best_effort(self, what: str, *, but: tuple[type[Exception], ...] = ()) -> AsyncIterator[None]:
        """Bound the block in time, and ignore any error of it except a cancellation: the ledger has all data.

        Args:
            what: What is missing if it fails.
            but: Errors that are raised all the same.
        """
        try:
            async with asyncio.timeout(self.seconds):
                yield
        except but:
            raise
        except Exception as error:  # noqa: BLE001  what only shows a run may not end it
            self.note(what, error)
        else:
            if self._is_away:
                log.info("Prefect's server answers again")
            self._is_away = False

    def note(self, what: str, error: Exception) -> None:
        """Count a failure, and log it if the server answered before; an error's text may quote data."""
        self.failures += 1
        if not self._is_away:
            log.warning("%s: Prefect's server failed with %s; the run goes on", what, type(error).__name__)
        self._is_away = True

"""Write down that ARM has accepted a batch, even if the ledger cannot be written at the moment.

The smallest rule that keeps the guarantee: once a 202 was read, the batch is never sent again by this process. Its
batchUuid goes into the ledger; if that fails, first into the spill, and then into the ledger again, a few times. If
another process has sent the batch since, only the history of the batch has the batchUuid.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential

from armrest.delivery.calls import Context
from armrest.model import Accepted
from armrest.outbox import Batch, BatchMoved, LedgerUnusable, SpilledUuid, accept

log = logging.getLogger(__name__)

TRIES: Final = 6
"""Attempts to commit a batchUuid after it was spilled, in about ten seconds."""

_WAIT: Final = wait_exponential(0.2, max=4.0)


class AcceptanceUnwritten(LedgerUnusable):
    """A batchUuid could not be committed. The run stops, and a resume reads it from the spill."""


class AcceptanceWriter:
    """Writes the batchUuids of one run."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._unwritten: set[int] = set()

    def assert_written(self, batch: Batch) -> None:
        """Let a batch leave only if no batchUuid of it waits for the ledger, whichever task wants to send it.

        Raises:
            AcceptanceUnwritten: ARM has accepted it.
        """
        if batch.seq in self._unwritten:
            raise AcceptanceUnwritten(f"ARM has accepted batch {batch.seq}, and the ledger does not know that yet")

    async def write(self, batch: Batch, accepted: Accepted) -> None:
        """Commit a batchUuid.

        Raises:
            AcceptanceUnwritten: The ledger could not be written, in all tries.
            BatchMoved: Another process has sent the batch since.
        """
        accepted_at = self._context.outbox.ledger.now()
        try:
            await self._commit(batch, accepted, accepted_at)
        except (LedgerUnusable, asyncio.CancelledError) as error:
            log.warning("batch %d was accepted as %s, which cannot be committed", batch.seq, accepted.batch_uuid)
            self._unwritten.add(batch.seq)
            spilled = self._spill(batch, accepted, accepted_at)
            if isinstance(error, asyncio.CancelledError):
                raise
            await self._commit_later(batch, accepted, accepted_at)
            self._unwritten.remove(batch.seq)
            self._remove(spilled)
        except BatchMoved:
            spilled = self._spill(batch, accepted, accepted_at)
            with suppress(LedgerUnusable):  # a resume then writes it into the history
                self._context.outbox.ledger.flush()
                self._remove(spilled)
            raise

    async def _commit(self, batch: Batch, accepted: Accepted, accepted_at: float) -> None:
        known = {"batch_uuid": accepted.batch_uuid, "status": accepted.status, "result": accepted.result}
        await self._context.group.write(
            lambda ledger: accept(ledger, batch, get_result=accepted.get_result, accepted_at=accepted_at, **known)
        )

    async def _commit_later(self, batch: Batch, accepted: Accepted, accepted_at: float) -> None:
        retrying = AsyncRetrying(
            sleep=asyncio.sleep,
            retry=retry_if_exception(lambda error: isinstance(error, LedgerUnusable) and error.may_pass),
            wait=_WAIT,
            stop=stop_after_attempt(TRIES),
            reraise=True,
        )
        try:
            await retrying(self._commit, batch, accepted, accepted_at)
        except LedgerUnusable as error:
            raise AcceptanceUnwritten(error.message) from None

    def _spill(self, batch: Batch, accepted: Accepted, accepted_at: float) -> SpilledUuid | None:
        """Put the batchUuid on disk; None if there is no place for it, and then only the log has it."""
        run, spill = self._context.run, self._context.outbox.spill
        spilled = SpilledUuid(
            run_id=run.run_id,
            seq=batch.seq,
            attempts=batch.attempts,
            batch_uuid=accepted.batch_uuid,
            get_result=accepted.get_result,
            accepted_at=accepted_at,
        )
        return spilled if spill is not None and spill.write(spilled) else None

    def _remove(self, spilled: SpilledUuid | None) -> None:
        if spilled and self._context.outbox.spill:
            self._context.outbox.spill.remove(spilled)

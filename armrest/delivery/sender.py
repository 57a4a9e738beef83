"""Send one batch: write the intent, make the request, write the outcome; retry where that is safe."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from armrest.api import ArmError, BatchRefused, NotFound, RateLimited, StopTheRun, TryAgain, Unreachable
from armrest.delivery.acceptance_writer import AcceptanceUnwritten, AcceptanceWriter
from armrest.delivery.calls import Call, Context
from armrest.delivery.errors import NoSuchClient
from armrest.delivery.split_refused import Splitter
from armrest.outbox import (
    Batch,
    BatchMoved,
    BodyUnusable,
    LedgerUnusable,
    OutgoingBatch,
    begin_if_clear,
    begin_with_conflicts,
    mark_in_doubt,
    record_status,
    reload,
    revert_to_planned,
)
from armrest.telemetry import current_step, step

log = logging.getLogger(__name__)

_T = TypeVar("_T")

TRIES_TO_REACH: Final = 4
"""Attempts while no request has ever reached ARM: the address is then probably wrong."""

CERTAINLY_NOT_ACCEPTED: Final = (Unreachable, RateLimited, BatchRefused, StopTheRun)
"""A 429 or 503 means that ARM has done nothing (RFC 6585, RFC 9110)."""


Place = Callable[[Batch], AbstractAsyncContextManager[Batch | None]]
"""Holds a place for one attempt at a batch; returns the batch as it is by then, or None if it may not be sent."""


@asynccontextmanager
async def _any_place(batch: Batch) -> AsyncIterator[Batch | None]:
    yield batch


class Sender:
    """Sends batches of one run."""

    def __init__(self, context: Context, splitter: Splitter) -> None:
        self._context = context
        self._splitter = splitter
        self._acceptances = AcceptanceWriter(context)
        upsert = context.run.mode == "upsert"
        self._put = context.arm.post_customers_batch if upsert else context.arm.put_customers_batch
        self._verb = "POST" if upsert else "PUT"

    async def send(self, batch: Batch, *, place: Place = _any_place) -> bool:
        """Send a batch until ARM has answered; return whether ARM accepted it.

        False: the batch may not be sent as it is (held, superseded, too large, its body unusable, given up, or the time
        is over). The ledger then has it, or its parts.

        Args:
            place: Holds a place for each attempt, and returns the batch to send, or None.

        Raises:
            TryAgain: The tries or the time ran out; the batch stays as the ledger has it.
            LedgerUnusable: The ledger could not be read or written, in all tries.
            BatchRefused: ARM refused the body; nothing of it was applied.
            StopTheRun: ARM will refuse all other calls as well.
            LeaseLost: Another run has taken over the client.
        """
        tries = _Tries(self._context)
        retrying = AsyncRetrying(
            sleep=asyncio.sleep,
            retry=retry_if_exception(_may_be_retried),
            after=tries.count,
            wait=tries.wait,
            stop=tries.are_over,
            reraise=True,
        )
        run = self._context.run
        with step(
            "batch",
            parent=self._context.step,
            is_call=True,
            client_no=run.client_no,
            run_id=run.run_id,
            batch=batch.seq,
            customers=batch.sent_customers,
        ):
            return await retrying(self._attempt, batch, tries, place)

    async def _attempt(self, batch: Batch, tries: "_Tries", place: Place) -> bool:
        async with place(batch) as placed, self._context.turn() as in_time:
            if placed is None or not in_time:
                return False
            as_it_is = reload(self._context.outbox.ledger, batch) if tries.failed else placed
            grace_seconds = self._context.options.stop_grace_seconds
            return await finish_or_cancel(self._send_once(as_it_is), grace_seconds=grace_seconds)

    async def _send_once(self, batch: Batch) -> bool:
        self._acceptances.assert_written(batch)
        leaving = await self._begin(batch)
        if leaving is None:
            return False
        await self._request(leaving.batch, leaving.body, last_sent_at=batch.last_sent_at)
        return True

    async def _begin(self, batch: Batch) -> OutgoingBatch | None:
        context = self._context
        outbox, lease, horizon = context.outbox, context.lease, context.options.ghost_horizon_seconds
        try:
            if not self._splitter.fits(batch):
                self._splitter.split_in_two(batch)
                return None
            body = outbox.bodies.read(batch.body)
            leaving = await context.group.write(
                lambda ledger: begin_if_clear(ledger, batch, body, lease, ghost_horizon_seconds=horizon)
            )
            return leaving or begin_with_conflicts(outbox, context.run, batch, lease, ghost_horizon_seconds=horizon)
        except BodyUnusable as fault:
            log.warning("batch %d of run %s is not sent: %s", batch.seq, context.run.run_id, fault)
            record_status(context.outbox.ledger, batch, status="", result="", message=fault.message)
            return None

    async def _request(self, batch: Batch, body: bytes, *, last_sent_at: float | None) -> None:
        call = Call(self._context, batch, self._verb)
        try:
            accepted = await self._put(self._context.run.client_no, body)
        except ArmError as error:
            reported = _no_such_client(error) if isinstance(error, NotFound) else error
            call.broke(reported)
            revert = partial(revert_to_planned, last_sent_at=last_sent_at)
            take_back = revert if isinstance(reported, CERTAINLY_NOT_ACCEPTED) else mark_in_doubt
            with self._guard_against_lost_lease():
                take_back(self._context.outbox.ledger, batch, reported.message)
            raise reported from None
        except asyncio.CancelledError:
            call.broken_off()
            raise
        current_step().set(batch_uuid=accepted.batch_uuid)
        call.answered(
            "accepted", http_status=accepted.http_status, request_id=accepted.request_id, evidence=accepted.evidence
        )
        with self._guard_against_lost_lease():
            await self._acceptances.write(batch, accepted)

    @contextmanager
    def _guard_against_lost_lease(self) -> Iterator[None]:
        """Raise LeaseLost if another process has sent the batch since: this answer is not about that attempt."""
        try:
            yield
        except BatchMoved:
            with self._context.outbox.ledger.read() as tx:
                self._context.lease.assert_current(tx)
            raise


class _Tries:
    """The tries of one batch, with exponential back-off and jitter between them.

    A 429 or 503 uses up no try, and the rate limiter waits as long as it asks. A ledger that is busy or away for a
    moment uses up a try: the batch is read from it again, so a commit whose answer was lost is known by then.

    Attributes:
        failed: Whether any try has failed.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._used = 0
        self.failed = False

    def count(self, state: RetryCallState) -> None:
        """Count a try that has failed."""
        self.failed = True
        self._used += not isinstance(_error(state), RateLimited)

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next try, at most until the deadline."""
        error, options = _error(state), self._context.options
        if isinstance(error, RateLimited):
            return 0.0
        longest = min(options.retry_max_seconds, options.retry_first_seconds * 2 ** (self._used - 1))
        wait = self._context.random.uniform(longest / 2, longest)
        asked = error.retry_after_seconds if isinstance(error, TryAgain) else None
        return min(max(wait, asked or 0.0), self._context.seconds_left())

    def are_over(self, state: RetryCallState) -> bool:
        """Tell whether the tries, or the time, have run out."""
        most = self._context.options.max_tries
        if isinstance(_error(state), Unreachable) and not self._context.reached:
            most = min(most, TRIES_TO_REACH)
        return self._used >= most or self._context.seconds_left() <= 0


def _error(state: RetryCallState) -> TryAgain | LedgerUnusable:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TryAgain | LedgerUnusable)
    return error


def _may_be_retried(error: BaseException) -> bool:
    """Whether a batch may be sent again: never after a 202 was read, whatever the ledger says then."""
    is_passing = isinstance(error, LedgerUnusable) and error.may_pass and not isinstance(error, AcceptanceUnwritten)
    return is_passing or isinstance(error, TryAgain)


async def finish_or_cancel(work: Coroutine[Any, Any, _T], *, grace_seconds: float) -> _T:
    """Await work; when cancelled, give it `grace_seconds` to finish before cancelling it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task}, timeout=grace_seconds)
        finally:
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled() and (fault := task.exception()):
            log.warning("stopped while waiting for ARM: %s", fault)
        raise


def _no_such_client(error: NotFound) -> NoSuchClient:
    advice = "check ARMREST_API_URL and the client number"
    return NoSuchClient(
        f"ARM knows no such address or client (404): {advice}",
        status=error.status,
        request_id=error.request_id,
        evidence=error.evidence,
    )

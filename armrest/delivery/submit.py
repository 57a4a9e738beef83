"""Sending one batch: the intent first, then the request, then what became of it; again where that is safe."""

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from armrest.api import (
    ArmError,
    BatchRefused,
    NotFound,
    RateLimited,
    StopTheRun,
    TryAgain,
    Unreachable,
)
from armrest.delivery.context import Call, Context
from armrest.delivery.errors import NoSuchClient
from armrest.outbox import Batch, accept, begin, doubt, latest, withdraw

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 30.0
TRIES_TO_REACH: Final = 4
"""Where nothing at all has got through yet, an address is soon held to be wrong."""
_CERTAINLY_NOT_ACCEPTED: Final = (Unreachable, BatchRefused, StopTheRun, NotFound)


class Sender:
    """Sends batches of one run."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reached = False
        upsert = context.run.mode == "upsert"
        self._put = context.arm.post_customers_batch if upsert else context.arm.put_customers_batch
        self._verb = "POST" if upsert else "PUT"

    async def send(self, batch: Batch) -> bool:
        """Send a batch until ARM has answered for it; return whether it was accepted.

        False: it may not leave now (held, superseded, or the time is over), and it stays as the ledger has it.

        Raises:
            TryAgain: The tries or the time ran out; the batch stays as the ledger has it.
            BatchRefused: ARM refused the body; nothing of it was taken.
            StopTheRun: Nothing else will be allowed either.
            LeaseLost: Another run has taken over the client.
        """
        tries = 0

        def enough(state: RetryCallState) -> bool:
            nonlocal tries
            error = state.outcome.exception() if state.outcome else None
            tries += not isinstance(error, RateLimited)
            return tries >= self._most_tries(error) or self._context.seconds_left() <= 0

        retrying = AsyncRetrying(
            sleep=asyncio.sleep,
            retry=retry_if_exception_type(TryAgain),
            stop=enough,
            wait=self._wait,
            reraise=True,
        )
        return await retrying(self._attempt, batch)

    def _most_tries(self, error: BaseException | None) -> int:
        most = self._context.options.max_tries
        return min(most, TRIES_TO_REACH) if isinstance(error, Unreachable) and not self._reached else most

    async def _attempt(self, batch: Batch) -> bool:
        context = self._context
        async with context.brake.slot():
            if context.seconds_left() <= 0:
                return False
            leaving = begin(
                context.outbox,
                context.run,
                latest(context.outbox.ledger, batch),
                context.lease,
                ghost_horizon_seconds=context.options.ghost_horizon_seconds,
            )
            if leaving is None:
                return False
            await see_out(self._request(leaving.batch, leaving.body), grace_seconds=context.options.stop_grace_seconds)
            return True

    async def _request(self, batch: Batch, body: bytes) -> None:
        ledger, call = self._context.outbox.ledger, Call(self._context, batch, self._verb)
        try:
            accepted = await self._put(self._context.run.client_no, body)
        except ArmError as error:
            self._reached = self._reached or not isinstance(error, Unreachable)
            call.broke(error)
            if isinstance(error, RateLimited):
                self._context.brake.slow(error.retry_after_seconds)
            certain = isinstance(error, _CERTAINLY_NOT_ACCEPTED) or error.status == HTTPStatus.TOO_MANY_REQUESTS
            (withdraw if certain else doubt)(ledger, batch, error.message)
            raise (_no_such_client(error) if isinstance(error, NotFound) else error) from None
        self._reached = True
        accept(
            ledger,
            batch,
            batch_uuid=accepted.batch_uuid,
            get_result=accepted.get_result,
            status=accepted.status,
            result=accepted.result,
        )
        self._context.brake.fine()
        call.ended(
            "accepted", http_status=accepted.http_status, request_id=accepted.request_id, evidence=accepted.evidence
        )

    def _wait(self, state: RetryCallState) -> float:
        """Exponential back-off with full jitter; what a 429 asks for is the brake's to wait."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RateLimited):
            return 0.0
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (state.attempt_number - 1))
        return min(self._context.random.uniform(longest / 2, longest), self._context.seconds_left())


async def see_out(work: Coroutine[Any, Any, None], *, grace_seconds: float) -> None:
    """Await work; when cancelled, let it come to its own end for a few seconds first."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=grace_seconds)
        task.cancel()
        raise


def _no_such_client(error: NotFound) -> NoSuchClient:
    advice = "check ARMREST_API_URL and the client number"
    return NoSuchClient(
        f"ARM knows no such address or client (404): {advice}",
        status=error.status,
        request_id=error.request_id,
        evidence=error.evidence,
    )

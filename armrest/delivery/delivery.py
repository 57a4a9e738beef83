"""Send and poll the slices of one run, under its client's lease."""

import asyncio
import logging
from functools import partial
from random import Random
from typing import Self

from armrest.aio import gather_or_cancel
from armrest.api import ArmClient, BatchRefused, StopTheRun, TryAgain
from armrest.delivery.calls import Context, DeliveryOptions
from armrest.delivery.errors import Unfinished
from armrest.delivery.first_acceptance import FirstAcceptance
from armrest.delivery.poller import Poller
from armrest.delivery.rate import RateLimiter
from armrest.delivery.refusal_budget import RefusalBudget
from armrest.delivery.sender import Sender
from armrest.delivery.split_refused import Splitter
from armrest.outbox import (
    DONE,
    FIRST_ANSWERS,
    SENDABLE,
    UNFINISHED,
    Batch,
    Lease,
    Outbox,
    Run,
    RunState,
    State,
    count_states,
    open_elsewhere,
    replay_spill,
    replay_spill_of_others,
    update_run,
)
from armrest.plurals import quantity

log = logging.getLogger(__name__)


class Delivery:
    """The delivery of one run; an async context manager. Its deadline counts from entering it.

    All calls of its slices share one rate limiter and one poller. Every method is safe to call again after any crash.

    Args:
        rate_limiter: The rate limiter of other deliveries to the same API, if any.
    """

    def __init__(
        self,
        outbox: Outbox,
        arm: ArmClient,
        run: Run,
        lease: Lease,
        options: DeliveryOptions,
        *,
        random: Random | None = None,
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        self._begin = partial(
            Context,
            outbox=outbox,
            arm=arm,
            run=run,
            lease=lease,
            options=options,
            random=random or Random(),
            shared_rate_limiter=rate_limiter,
        )

    async def __aenter__(self) -> Self:
        self._context = self._begin()
        outbox, run = self._context.outbox, self._context.run
        self._splitter = Splitter(self._context)
        self._sender = Sender(self._context, self._splitter)
        self._budget = RefusalBudget(self._context, self._sender, self._splitter)
        self._poller = Poller(self._context)
        self._first_acceptance_lock = asyncio.Lock()
        self._has_first_acceptance = False
        self._left_open: set[int] = set()
        started_at = run.started_at or outbox.ledger.now()
        beginning = {"started_at": started_at, "state": RunState.SENDING, "message": "", "ended_at": None}
        update_run(outbox.ledger, run, self._context.lease, **beginning)
        replay_spill(outbox, run)
        if self._context.lease.shard is None:
            replay_spill_of_others(outbox, api_url=run.api_url, client_no=run.client_no)
            await self._poller.ask_once(open_elsewhere(outbox.ledger, run))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._poller.close()

    def seconds_left(self) -> float:
        """Return the seconds until the deadline; 0 once it has passed."""
        return self._context.seconds_left()

    async def seek_first_acceptance(self, *, excluded: frozenset[int] = frozenset()) -> None:
        """Send one batch at a time until ARM accepts one; after that, several may be sent at once.

        Args:
            excluded: Batches (their numbers in the run) that are not sent.

        Raises:
            StopTheRun: ARM refuses the whole run, not just a customer.
            LeaseLost: Another run has taken over the client.
        """
        async with self._first_acceptance_lock:
            if self._context.stopped:
                raise self._context.stopped
            if self._has_first_acceptance:
                return
            first_acceptance = FirstAcceptance(self._context, self._sender, self._splitter)
            try:
                await first_acceptance.seek(but=excluded)
            except StopTheRun as error:
                self._context.stop(error)
                raise
            self._left_open = first_acceptance.left_open
            self._has_first_acceptance = True

    async def send_first(self) -> None:
        """Send a few batches one by one before the shards begin, so that they know how long an answer takes alone.

        Raises:
            StopTheRun: ARM refuses the whole run, not just a customer.
            LeaseLost: Another run has taken over the client.
        """
        await self.seek_first_acceptance()
        todo = [batch for batch in self._context.batches(SENDABLE) if batch.seq not in self._left_open]
        for batch in todo[:FIRST_ANSWERS]:
            await self._send(batch)
        self._budget.fail_single()
        self._context.outbox.ledger.flush()

    async def submit(self, slice_no: int) -> int:
        """Send the batches of a slice that ARM has not accepted yet; return how many it has accepted in all.

        Raises:
            Unfinished: Batches of the slice are still unsent: held, or out of tries or time.
            StopTheRun: ARM refuses the whole run, not just a customer.
            LeaseLost: Another run has taken over the client.
        """
        await self.seek_first_acceptance()
        await self._send_all(slice_no)
        states = count_states(self._context.outbox.ledger, self._context.run, slice_no)
        if left := sum(states[state] for state in SENDABLE):
            raise Unfinished(f"slice {slice_no}: {quantity(left, 'batch')} not sent", slice_no=slice_no, batches=left)
        return states.total() - states[State.SPLIT]

    async def poll(self, slice_no: int) -> int:
        """Wait until ARM has finished the accepted batches of a slice; return how many of its batches are closed.

        Raises:
            Unfinished: Batches of the slice are still open at the deadline.
            StopTheRun: ARM refuses to answer.
        """
        await self._poller.watch(self._context.batches([State.ACCEPTED], slice_no))
        states = count_states(self._context.outbox.ledger, self._context.run, slice_no)
        if left := sum(states[state] for state in UNFINISHED):
            raise Unfinished(f"slice {slice_no}: {quantity(left, 'batch')} still open", slice_no=slice_no, batches=left)
        return sum(states[state] for state in DONE)

    async def resume_started(self) -> None:
        """Send the batches that were begun (held, or without an answer), and wait until ARM has finished them.

        Batches that were only planned are left to a resume.

        Raises:
            StopTheRun: ARM refuses the whole run, not just a customer.
            LeaseLost: Another run has taken over the client.
        """
        others = frozenset(batch.seq for batch in self._context.batches([State.PLANNED, State.ACCEPTED]))
        await self.seek_first_acceptance(excluded=others)
        await self._send_all(excluded=others)
        await self._poller.watch(batch for batch in self._context.batches([State.ACCEPTED]) if batch.seq not in others)

    async def _send_all(self, slice_no: int | None = None, *, excluded: frozenset[int] = frozenset()) -> None:
        """Offer each batch to the gate once, including the parts of batches that are split on the way."""
        passed = excluded | self._left_open
        self._budget.excluded |= passed
        while todo := [batch for batch in self._context.batches(SENDABLE, slice_no) if batch.seq not in passed]:
            passed |= {batch.seq for batch in todo}
            await gather_or_cancel(self._send(batch) for batch in todo)
        self._budget.fail_single(slice_no)

    async def _send(self, batch: Batch) -> None:
        try:
            if await self._sender.send(batch, place=self._budget.place):
                self._budget.accepted(batch)
        except BatchRefused as refusal:
            self._budget.refused(batch, refusal)
        except TryAgain as trouble:
            log.warning("batch %d of run %s stays open: %s", batch.seq, self._context.run.run_id, trouble)

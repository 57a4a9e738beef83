"""The engine: sends and polls the slices of one run, under its client's lease."""

import asyncio
import logging
from random import Random
from typing import Any, Self

from armrest.api import ArmClient, BatchRefused, TryAgain
from armrest.delivery.context import Context, DeliveryOptions
from armrest.delivery.errors import Unfinished
from armrest.delivery.halve import Halver
from armrest.delivery.poll import Poller
from armrest.delivery.scout import Scout
from armrest.delivery.submit import Sender
from armrest.outbox import (
    SENDABLE,
    UNFINISHED,
    Batch,
    Lease,
    Outbox,
    Run,
    State,
    batches_in,
    note_run,
    open_elsewhere,
)

log = logging.getLogger(__name__)


class Delivery:
    """One run on its way; an async context manager. Its deadline counts from entering it.

    All calls of its slices share one brake and one poller. Every method is safe to call again after any crash.
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
    ) -> None:
        self._parts = (outbox, arm, run, lease, options, random or Random())

    async def __aenter__(self) -> Self:
        outbox, arm, run, lease, options, random = self._parts
        self._context = Context(outbox=outbox, arm=arm, run=run, lease=lease, options=options, random=random)
        self._sender = Sender(self._context)
        self._halver = Halver(self._context)
        self._poller = Poller(self._context)
        self._scouting = asyncio.Lock()
        self._scouted = False
        if run.started_at is None:
            note_run(outbox.ledger, run, started_at=outbox.ledger.now(), state="Sending", message="", ended_at=None)
        await self._poller.ask_once(open_elsewhere(outbox.ledger, run))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._poller.close()

    async def submit(self, slice_no: int) -> int:
        """Send what of a slice is not yet acknowledged; return how many of its batches ARM has accepted.

        Raises:
            Unfinished: Something of the slice is still to be sent: held, or tries or time ran out.
            StopTheRun: ARM refuses more than a customer.
            LeaseLost: Another run has taken over the client.
        """
        await self._scout()
        passed: set[int] = set()
        while todo := [batch for batch in self._batches(SENDABLE, slice_no) if batch.seq not in passed]:
            passed |= {batch.seq for batch in todo}
            await _all(self._send(batch) for batch in todo)
        if left := self._batches(SENDABLE, slice_no):
            raise Unfinished(
                f"{len(left)} batches of slice {slice_no} are still to be sent", slice_no=slice_no, batches=len(left)
            )
        return len(self._batches([state for state in State if state not in (*SENDABLE, State.SPLIT)], slice_no))

    async def poll(self, slice_no: int) -> int:
        """Wait until the accepted batches of a slice are worked through; return how many of its batches are closed.

        Raises:
            Unfinished: Something of the slice is still open at the deadline.
            StopTheRun: ARM refuses to answer.
        """
        await self._poller.watch(self._batches([State.ACCEPTED], slice_no))
        if left := self._batches(UNFINISHED, slice_no):
            raise Unfinished(
                f"{len(left)} batches of slice {slice_no} are still open", slice_no=slice_no, batches=len(left)
            )
        return len(self._batches([State.SETTLED, State.PARTLY_FAILED, State.FAILED], slice_no))

    async def _scout(self) -> None:
        async with self._scouting:
            if not self._scouted:
                await Scout(self._context, self._sender, self._halver).scout()
                self._scouted = True

    async def _send(self, batch: Batch) -> None:
        if not self._halver.fits(batch):
            self._halver.halves(batch)
            return
        try:
            await self._sender.send(batch)
        except BatchRefused as refusal:
            self._halver.cut(batch, refusal)
        except TryAgain as trouble:
            log.warning("batch %d of run %s stays open: %s", batch.seq, self._context.run.run_id, trouble)

    def _batches(self, states: Any, slice_no: int) -> list[Batch]:
        return batches_in(self._context.outbox.ledger, self._context.run, states, slice_no=slice_no)


async def _all(work: Any) -> None:
    """Await all of it; the first fault cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None

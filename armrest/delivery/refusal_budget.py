"""Bound the requests that ARM refuses once it has accepted something, for the run and for each of its planned batches.

Batches leave side by side until eight requests in a row are refused alike. Then one leaves at a time, each time a part
of the batch refused last, until ARM accepts one. After 54 refusals in a row, up to four untouched batches are tried. If
one is accepted, the fault is the customers'. If none is, and at least five planned batches were refused, the run stops.
A planned batch of which 54 requests in a row were refused alike stays unsent while the run goes on without it.
Reasons: docs/decisions/0087-budget-of-refusals.md.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from armrest.api import BatchRefused, BodyTooLarge, TryAgain
from armrest.delivery.calls import Context
from armrest.delivery.errors import RunWideRefusal
from armrest.delivery.first_acceptance import MOST_CONTROLS, same_error
from armrest.delivery.sender import Sender
from armrest.delivery.split_refused import Splitter
from armrest.outbox import SENDABLE, Batch, State, attempts_at, reload
from armrest.plurals import quantity

log = logging.getLogger(__name__)

NARROW: Final = 8
"""Refusals in a row after which one batch leaves at a time: side by side, many would be refused before one is split."""
_REFUSED: Final = frozenset({BatchRefused.__name__, BodyTooLarge.__name__})
"""Outcomes of attempts."""
WIDEST: Final = 32
"""Batches that leave side by side at most, so that the budget still reaches from one of them to a single customer."""


@dataclass(slots=True)
class _Streak:
    """Refusals alike and in a row; `planned` holds the planned batches (their numbers) that they were about."""

    error: tuple[int | None, str] | None = None
    refusals: int = 0
    planned: set[int] = field(default_factory=set)

    def add(self, refusal: BatchRefused, planned: int) -> None:
        """Count a refusal; one with another error begins a new streak."""
        if (error := same_error(refusal)) != self.error:
            self.error, self.refusals, self.planned = error, 0, set()
        self.refusals += 1
        self.planned.add(planned)


class RefusalBudget:
    """Decides when a batch of one run may leave, from the refusals since ARM last accepted one.

    Attributes:
        excluded: Batches (their numbers in the run) that it must not choose itself.
    """

    def __init__(self, context: Context, sender: Sender, splitter: Splitter) -> None:
        self._context = context
        self._sender = sender
        self._splitter = splitter
        self._places = asyncio.Semaphore(min(context.options.concurrency, WIDEST))
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._searching = asyncio.Lock()
        self._has_searched = False
        self._streak = _Streak()
        self._last: BatchRefused | None = None
        self._streak_of: defaultdict[int, _Streak] = defaultdict(_Streak)
        self._parts: list[Batch] = []
        self._alone: dict[int, tuple[Batch, BatchRefused]] = {}
        self._unsent: dict[int, int] = {}
        self._planned: dict[int, int] = {}
        self.excluded: frozenset[int] = frozenset()

    @asynccontextmanager
    async def place(self, batch: Batch) -> AsyncIterator[Batch | None]:
        """Wait until a batch may leave, and hold its place for one attempt; yield it, or None if it may not be sent.

        Raises:
            RunWideRefusal: ARM refuses every customer with the same error.
            StopTheRun: ARM refuses the whole run.
            LeaseLost: Another run has taken over the client.
        """
        async with self._places:
            if self._is_narrow():
                await self._regain()
            current = self._sendable(batch)
            self._under_way += 1
            self._idle.clear()
            try:
                yield current
            finally:
                self._under_way -= 1
                if not self._under_way:
                    self._idle.set()

    def accepted(self, batch: Batch) -> None:
        """Take note that ARM has accepted a batch: the customers refused before are at fault themselves."""
        self._streak = _Streak()
        self._parts.clear()
        if self._streak_of:
            self._streak_of.pop(self._planned_batch(batch), None)
        self.fail_single()

    def refused(self, batch: Batch, refusal: BatchRefused) -> None:
        """Count a refusal, and take the batch apart. A single customer fails once it is clear that it is at fault."""
        batch = reload(self._context.outbox.ledger, batch)
        if self._splitter.is_named(batch, refusal):
            self._parts += self._splitter.split(batch, refusal)
            return
        planned = self._planned_batch(batch)
        if planned in self._unsent:
            self._close(batch, refusal, self._unsent[planned])
            return
        self._last = refusal
        self._streak.add(refusal, planned)
        self._streak_of[planned].add(refusal, planned)
        if batch.sent_customers == 1:
            self._alone[batch.seq] = batch, refusal
        else:
            parts = self._splitter.split(batch, refusal)
            self._context.random.shuffle(parts)
            self._parts += parts
        if self._streak.refusals < self._streak_of[planned].refusals:  # ARM has accepted others meanwhile
            self._leave_exhausted()

    def _close(self, batch: Batch, refusal: BatchRefused, refusals: int) -> None:
        """Close a part that was on its way when its planned batch was given up; a single one was refused itself."""
        if batch.sent_customers == 1:
            self._splitter.fail_single(batch, refusal)
        else:
            self._splitter.leave_unsent(batch, refusals)

    def fail_single(self, slice_no: int | None = None) -> None:
        """Mark the single customers that were refused as failed; of one slice, or of all."""
        for batch, refusal in list(self._alone.values()):
            if slice_no in (None, batch.slice_no):
                del self._alone[batch.seq]
                self._splitter.fail_single(batch, refusal)

    def _is_narrow(self) -> bool:
        return self._streak.refusals >= min(NARROW, self._context.options.most_refusals)

    def _sendable(self, batch: Batch) -> Batch | None:
        """Return a batch as it is by now, or None if it may not be sent: closed by a search, or given up."""
        if self._has_searched or self._unsent:
            batch = reload(self._context.outbox.ledger, batch)
        if batch.state not in SENDABLE or batch.seq in self._alone:
            return None
        if self._unsent and batch.state is State.PLANNED:
            planned = self._planned_batch(batch)
            if planned in self._unsent and self._was_refused(batch):
                self._splitter.leave_unsent(batch, self._unsent[planned])
                return None
        return batch

    def _was_refused(self, batch: Batch) -> bool:
        """Whether ARM has refused a request with these customers; the gate, or their size, may have split them off."""
        context = self._context
        while not any(tried.outcome in _REFUSED for tried in attempts_at(context.outbox.ledger, context.run, batch)):
            if batch.parent_seq is None:
                return False
            batch = reload(context.outbox.ledger, replace(batch, seq=batch.parent_seq))
        return True

    def _planned_batch(self, batch: Batch) -> int:
        """Return the number of the planned batch that a batch is a part of."""
        if batch.parent_seq is None:
            return batch.seq
        if batch.parent_seq not in self._planned:
            parent = reload(self._context.outbox.ledger, replace(batch, seq=batch.parent_seq))
            self._planned[batch.parent_seq] = self._planned_batch(parent)
        return self._planned[batch.parent_seq]

    async def _regain(self) -> None:
        """Have one task look for a batch that ARM accepts, while all others wait."""
        async with self._searching:
            if self._context.stopped:
                raise self._context.stopped
            await self._idle.wait()
            if not self._is_narrow():
                return
            self._has_searched = True
            try:
                await self._search()
            except RunWideRefusal as error:
                self._context.stop(error)
                raise

    async def _search(self) -> None:
        """Send one batch at a time until ARM accepts one, the budget is spent, or nothing is left."""
        rest: list[Batch] | None = None
        while self._is_narrow() and self._context.seconds_left() > 0:
            if self._streak.refusals >= self._context.options.most_refusals:
                await self._judge()
                return
            batch = self._next_part()
            if batch is None:
                rest = self._rest() if rest is None else rest
                batch = rest.pop() if rest else None
            if batch is None:
                return
            await self._try(batch)

    def _next_part(self) -> Batch | None:
        """Return the part that was made last: one of the batch refused last, until that comes down to one customer."""
        while self._parts:
            part = reload(self._context.outbox.ledger, self._parts.pop())
            if part.state is State.PLANNED and self._may_choose(part):
                return part
        return None

    def _rest(self) -> list[Batch]:
        """Return what else is planned, to be taken from the end: parts first, the largest first."""
        planned = [batch for batch in self._context.batches([State.PLANNED]) if self._may_choose(batch)]
        parts = [batch for batch in planned if batch.parent_seq is not None]
        untouched = [batch for batch in planned if batch.parent_seq is None]
        return [*reversed(untouched), *sorted(parts, key=lambda part: part.sent_customers)]

    def _may_choose(self, batch: Batch) -> bool:
        is_kept = batch.seq in self.excluded or batch.seq in self._alone
        return not is_kept and self._planned_batch(batch) not in self._unsent

    async def _try(self, batch: Batch) -> None:
        try:
            if await self._sender.send(batch):
                self.accepted(batch)
        except BatchRefused as refusal:
            self.refused(batch, refusal)
        except TryAgain as trouble:
            self.excluded |= {batch.seq}
            log.warning("batch %d of run %s stays open: %s", batch.seq, self._context.run.run_id, trouble)

    async def _judge(self) -> None:
        """Try a few untouched batches. Renew the budget if ARM accepts one, or if too few batches are left to tell.

        Raises:
            RunWideRefusal: ARM refuses them as well.
        """
        refusals = self._streak.refusals
        untouched = [batch for batch in self._rest() if batch.parent_seq is None and not batch.attempts]
        for control in self._context.random.sample(untouched, min(MOST_CONTROLS, len(untouched))):
            await self._try(control)
            if self._streak.refusals < refusals:  # accepted, or refused with another error
                self._leave_exhausted()
                return
        if self._context.seconds_left() <= 0:
            return  # the untouched batches may not have left
        if len(self._streak.planned) > MOST_CONTROLS:
            raise self._run_wide()
        self._unsent |= dict.fromkeys(self._streak.planned, self._streak.refusals)
        self._streak = _Streak()
        self.fail_single()

    def _leave_exhausted(self) -> None:
        """Give up the planned batches of which too many requests in a row were refused alike."""
        most = self._context.options.most_refusals
        for planned, streak in self._streak_of.items():
            if streak.refusals >= most and planned not in self._unsent:
                log.warning("the rest of batch %d is not sent: %d refusals alike", planned, streak.refusals)
                self._unsent[planned] = streak.refusals
                self.fail_single()

    def _run_wide(self) -> RunWideRefusal:
        refusal = self._last
        assert refusal is not None
        return RunWideRefusal(
            f"ARM has refused {quantity(self._streak.refusals, 'request')} in a row alike ({refusal.message}), about "
            f"{quantity(len(self._streak.planned), 'batch')}: it is probably not about a customer; check the user id "
            "and the client number",
            status=refusal.status,
            request_id=refusal.request_id,
            evidence=refusal.evidence,
        )

"""Until ARM has accepted something, batches go one by one: a fault that is everybody's must not cost a storm.

A wrong userId, say, refuses every body alike. At most three batches are halved, one branch each, at random into the
one half or the other. When a single customer of each is refused in the same words, a few more are tried from elsewhere;
when these are refused too, it is not about a customer, and the run stops after fewer than 60 requests. The customers
that stood alone are not held to be at fault then.
"""

import re
from collections import deque
from contextlib import suppress
from typing import Final

from armrest.api import BatchRefused, TryAgain, Unreachable
from armrest.delivery.calls import Context
from armrest.delivery.errors import NeverReached, RunWideRefusal
from armrest.delivery.sender import Sender
from armrest.delivery.split_refused import Splitter
from armrest.outbox import SENDABLE, Batch, has_been_accepted, reload

MOST_SUSPECTS: Final = 3
"""Customers that must be refused alone and alike; also the batches left open before going on."""
MOST_REFUSALS: Final = 54
"""Three branches of a batch of 100,000, its largest size."""
MOST_WITNESSES: Final = 4


class FirstAcceptance:
    """Sends alone, until something was accepted or the rest may go all at once.

    Attributes:
        left_open: Batches (their numbers in the run) whose tries have run out.
    """

    def __init__(self, context: Context, sender: Sender, halver: Splitter) -> None:
        self._context = context
        self._sender = sender
        self._halver = halver
        self._queue: deque[Batch] = deque()
        self._seen: set[int] = set()
        self._refusals: list[BatchRefused] = []
        self._suspects: list[tuple[Batch, BatchRefused]] = []
        self.left_open: set[int] = set()

    async def scout(self, *, but: frozenset[int] = frozenset()) -> None:
        """Find out whether ARM accepts anything of this run.

        Args:
            but: Batches (their numbers in the run) that are not sent now.

        Raises:
            RefusedAlike: It refuses every customer alike.
            NoWayThrough: It cannot be reached.
            StopTheRun: It refuses the login, or the client.
        """
        if has_been_accepted(self._context.outbox.ledger, self._context.run):
            return
        self._seen |= but
        while len(self.left_open) < MOST_SUSPECTS and (batch := self._next()):
            if await self._is_accepted(batch):
                break
            if len(self._suspects) == MOST_SUSPECTS or len(self._refusals) == MOST_REFUSALS:
                await self._judge()
                break
        for batch, refusal in self._suspects:
            self._halver.give_up(batch, refusal)

    def _next(self) -> Batch | None:
        """Return what is sent next; the gate may have put new batches in the place of one."""
        if not self._queue:
            sendable = self._context.batches(SENDABLE)
            self._queue.extend(batch for batch in sendable if batch.seq not in self._seen)
            self._seen |= {batch.seq for batch in self._queue}
        return self._queue.popleft() if self._queue and self._context.seconds_left() > 0 else None

    async def _is_accepted(self, batch: Batch) -> bool:
        try:
            return await self._send(batch)
        except BatchRefused as refusal:
            self._refusals.append(refusal)
            self._take_apart(batch, refusal)
        return False

    async def _send(self, batch: Batch) -> bool:
        try:
            return await self._sender.send(batch)
        except TryAgain as trouble:
            if isinstance(trouble, Unreachable) and not self._context.reached:
                raise NeverReached(
                    f"nothing was sent: {trouble.message}",
                    status=trouble.status,
                    request_id=trouble.request_id,
                ) from None
            self.left_open.add(batch.seq)
            return False

    def _take_apart(self, batch: Batch, refusal: BatchRefused) -> None:
        """Follow one half of a refused batch and put off the other, or suspect the customer that stands alone."""
        batch = reload(self._context.outbox.ledger, batch)
        if batch.sent_customers == 1 and not refusal.failures:
            self._suspects.append((batch, refusal))
            return
        parts = self._halver.cut(batch, refusal)
        self._seen |= {part.seq for part in parts}
        self._context.random.shuffle(parts)
        self._queue.extendleft(parts[:1])
        self._queue.extend(parts[1:])

    async def _judge(self) -> None:
        """Go on where the refusals differ, or where something is accepted after all.

        Raises:
            RefusedAlike: It looks as if nothing would ever be.
        """
        telling = [refusal for _, refusal in self._suspects] or self._refusals[-MOST_SUSPECTS:]
        if len({_same_error(refusal) for refusal in telling}) > 1 or await self._is_any_accepted():
            return
        refusal = telling[-1]
        raise RunWideRefusal(
            f"ARM refuses every customer alike ({refusal.message}): it is probably not about a customer; "
            "check the user id (--user-id, ARMREST_USER_ID) and the client number, and send the file again",
            status=refusal.status,
            request_id=refusal.request_id,
            evidence=refusal.evidence,
        )

    async def _is_any_accepted(self) -> bool:
        """Try the smallest of what is left, wherever it stands in the file: the least likely to be at fault."""
        random = self._context.random.random
        witnesses = sorted(self._queue, key=lambda batch: (batch.customers, random()))
        for witness in witnesses[:MOST_WITNESSES]:
            with suppress(BatchRefused):
                if await self._send(witness):
                    return True
        return False


def _same_error(refusal: BatchRefused) -> tuple[int | None, str]:
    """Return a refusal without its figures: numbers of requests, times and customers differ from one to the next."""
    return refusal.status, re.sub(r"\d+", "#", refusal.evidence or refusal.message)

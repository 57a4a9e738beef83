"""Send one batch at a time until ARM accepts one, so that a run-wide fault costs a few requests, not thousands.

With a wrong userId, for example, ARM refuses every body. At most three batches are split, each time following one
random half, down to a single customer. If ARM refuses those customers with the same error, a few batches from elsewhere
in the file are tried. If these are refused as well, the cause is not a customer, and the run stops after fewer than 60
requests. The single customers are not marked as failed then.
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

MOST_FAILING: Final = 3
"""Single customers that must be refused with the same error; also the batches left open before going on."""
MOST_REFUSALS: Final = 54
"""Enough to follow three batches of the largest size (100,000 customers) down to one customer each."""
MOST_CONTROLS: Final = 4


class FirstAcceptance:
    """Sends one batch at a time until ARM accepts one, or until the rest may be sent at once.

    Attributes:
        left_open: Batches (their numbers in the run) that have run out of tries.
    """

    def __init__(self, context: Context, sender: Sender, splitter: Splitter) -> None:
        self._context = context
        self._sender = sender
        self._splitter = splitter
        self._queue: deque[Batch] = deque()
        self._seen: set[int] = set()
        self._refusals: list[BatchRefused] = []
        self._failing: list[tuple[Batch, BatchRefused]] = []
        self.left_open: set[int] = set()

    async def seek(self, *, but: frozenset[int] = frozenset()) -> None:
        """Find out whether ARM accepts any batch of this run.

        Args:
            but: Batches (their numbers in the run) that are not sent now.

        Raises:
            RunWideRefusal: ARM refuses every customer with the same error.
            NeverReached: ARM cannot be reached.
            StopTheRun: ARM refuses the login, or the client.
        """
        if has_been_accepted(self._context.outbox.ledger, self._context.run):
            return
        self._seen |= but
        while len(self.left_open) < MOST_FAILING and (batch := self._next()):
            if await self._is_accepted(batch):
                break
            if len(self._failing) == MOST_FAILING or len(self._refusals) == MOST_REFUSALS:
                await self._judge()
                break
        for batch, refusal in self._failing:
            self._splitter.fail_single(batch, refusal)

    def _next(self) -> Batch | None:
        """Return the next batch to send; the gate may have replaced a batch by its parts."""
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
        """Split a refused batch: try one part next and the others last. A single customer is kept apart."""
        batch = reload(self._context.outbox.ledger, batch)
        if batch.sent_customers == 1 and not refusal.failures:
            self._failing.append((batch, refusal))
            return
        parts = self._splitter.split(batch, refusal)
        self._seen |= {part.seq for part in parts}
        self._context.random.shuffle(parts)
        self._queue.extendleft(parts[:1])
        self._queue.extend(parts[1:])

    async def _judge(self) -> None:
        """Return if the refusals differ, or if ARM accepts a batch after all.

        Raises:
            RunWideRefusal: ARM seems to refuse the whole run.
        """
        refusals = [refusal for _, refusal in self._failing] or self._refusals[-MOST_FAILING:]
        if len({same_error(refusal) for refusal in refusals}) > 1 or await self._is_any_accepted():
            return
        refusal = refusals[-1]
        raise RunWideRefusal(
            f"ARM refuses every customer alike ({refusal.message}): it is probably not about a customer; "
            "check the user id (--user-id, ARMREST_USER_ID) and the client number, and send the file again",
            status=refusal.status,
            request_id=refusal.request_id,
            evidence=refusal.evidence,
        )

    async def _is_any_accepted(self) -> bool:
        """Try a few of the batches that are left, the smallest first: they are the least likely to be at fault."""
        random = self._context.random.random
        controls = sorted(self._queue, key=lambda batch: (batch.customers, random()))
        for control in controls[:MOST_CONTROLS]:
            with suppress(BatchRefused):
                if await self._send(control):
                    return True
        return False


def same_error(refusal: BatchRefused) -> tuple[int | None, str]:
    """Return a refusal without its digits: request ids, times and customer numbers differ between refusals."""
    return refusal.status, re.sub(r"\d+", "#", refusal.evidence or refusal.message)

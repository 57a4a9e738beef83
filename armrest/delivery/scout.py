"""Until ARM has accepted something, batches go one by one: a fault that is everybody's must not cost a storm.

A wrong userId, say, refuses every body alike. At most three batches are halved, one branch each; when a single
customer of each is refused in the same words, it is not about a customer, and the run stops after fewer than 60
requests. The customers that stood alone are not held to be at fault then.
"""

import re
from collections import deque
from typing import Final

from armrest.api import BatchRefused, BodyTooLarge, TryAgain, Unreachable
from armrest.delivery.context import Context
from armrest.delivery.errors import NoWayThrough, RefusedAlike
from armrest.delivery.halve import Halver
from armrest.delivery.submit import Sender
from armrest.outbox import SENDABLE, Batch, batches_in, has_been_accepted

MOST_SUSPECTS: Final = 3
"""Customers that must be refused alone and alike before the run stops; also the batches left open before going on."""


class Scout:
    """Sends alone, until something was accepted or the rest may go all at once."""

    def __init__(self, context: Context, sender: Sender, halver: Halver) -> None:
        self._context = context
        self._sender = sender
        self._halver = halver
        self._queue: deque[Batch] = deque()
        self._later: deque[Batch] = deque()
        self._suspects: list[tuple[Batch, BatchRefused]] = []
        self._left = 0

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
        sendable = batches_in(self._context.outbox.ledger, self._context.run, SENDABLE)
        self._queue.extend(batch for batch in sendable if batch.seq not in but)
        accepted = False
        while not accepted and (batch := self._next()) and self._left < MOST_SUSPECTS:
            accepted = await self._try(batch)
            if len(self._suspects) == MOST_SUSPECTS and not accepted:
                self._judge()
                break
        for batch, refusal in self._suspects:
            self._halver.give_up(batch, refusal)

    def _next(self) -> Batch | None:
        if not self._queue:
            self._queue, self._later = self._later, deque()
        return self._queue.popleft() if self._queue and self._context.seconds_left() > 0 else None

    async def _try(self, batch: Batch) -> bool:
        try:
            return await self._sender.send(batch)
        except Unreachable as error:
            raise NoWayThrough(
                f"{error.message}; nothing was sent: check ARMREST_API_URL and the network",
                request_id=error.request_id,
            ) from None
        except TryAgain:
            self._left += 1
        except BatchRefused as refusal:
            self._suspect(batch, refusal)
        return False

    def _suspect(self, batch: Batch, refusal: BatchRefused) -> None:
        named = self._halver.named(batch, refusal)
        if batch.customers == 1 and not named and not isinstance(refusal, BodyTooLarge):
            self._suspects.append((batch, refusal))
            return
        parts = self._halver.cut(batch, refusal)
        if named:
            self._queue.extendleft(reversed(parts))
            return
        self._queue.extendleft(parts[:1])
        self._later.extend(parts[1:])

    def _judge(self) -> None:
        words = {_alike(refusal) for _, refusal in self._suspects}
        if len(words) == 1:
            refusal = self._suspects[0][1]
            raise RefusedAlike(
                f"ARM refuses every customer alike ({refusal.message}): it is probably not about a customer; "
                "check the user id (--user-id, ARMREST_USER_ID) and the client number, then `armrest resume`",
                status=refusal.status,
                request_id=refusal.request_id,
                evidence=refusal.evidence,
            )


def _alike(refusal: BatchRefused) -> tuple[int | None, str]:
    """Return a refusal without its figures: numbers of requests, times and customers differ from one to the next."""
    return refusal.status, re.sub(r"\d+", "#", refusal.evidence or refusal.message)

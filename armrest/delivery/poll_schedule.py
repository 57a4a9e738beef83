"""When to ask about each open batch: a few with back-off, the others once it is known how long ARM takes.

Each batch that is found closed activates waiting ones, the oldest first: one, or two if its first request already found
it closed, since polling is behind then. An activated batch is asked about when it reaches the usual closing age, and
soon in any case. While no batch closes, more and more are activated: those being polled may be the only ones that hang.
Reasons and figures: docs/decisions/0043-timetable.md.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import Final

from armrest.outbox import Batch
from armrest.telemetry import Step, current_step

ASKED_AT_FIRST: Final = 10
"""Number of open batches, the oldest, that are asked about before any has closed."""
EARLIER: Final = 0.98
"""A batch that its first request finds closed has closed earlier, so the usual age shrinks by this factor."""
LEARN: Final = 1 / 8
"""Weight of a new answer in the usual age, as TCP weighs round trips (RFC 6298)."""
DOUBLED_EVERY: Final = 4
"""While no batch closes, the number activated doubles after this many of the longest waits, at most `MOST_DOUBLED`
times."""
MOST_DOUBLED: Final = 20


@dataclass(slots=True, eq=False, kw_only=True)
class PollRequest:
    """A request for the outcome of a batch. `done` resolves when asking again is pointless."""

    batch: Batch
    accepted_at: float
    done: asyncio.Future[None]
    step: Step = field(default_factory=current_step)
    asked: int = field(init=False, default=0)
    waited_seconds: float = field(init=False, default=0.0)


class PollSchedule:
    """Poll requests in the order in which they are due. Times are in seconds, of any clock.

    Args:
        first_seconds: The shortest wait from acceptance to the first request.
        longest_seconds: The longest wait between two requests about a batch.
    """

    def __init__(self, *, first_seconds: float, longest_seconds: float, random: Random) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._random = random
        self._usual_seconds = first_seconds
        self._waiting: deque[PollRequest] = deque()
        self._due: list[tuple[float, int, PollRequest]] = []
        self._number = 0
        self._called_up = 0
        self._called_up_at = 0.0
        self._closed_at = 0.0

    @property
    def next_at(self) -> float | None:
        """When the next request is due; None if none is scheduled."""
        return self._due[0][0] if self._due else None

    def add(self, request: PollRequest, now: float) -> None:
        """Add a request that has not been made yet."""
        if not self._called_up:
            self._closed_at = now
        self._waiting.append(request)
        if self._called_up < ASKED_AT_FIRST:
            self._call_up(now)

    def due(self, now: float) -> Iterator[PollRequest]:
        """Remove and yield the requests that are due."""
        while self._due and self._due[0][0] <= now:
            request = heapq.heappop(self._due)[2]
            request.asked += 1
            yield request

    def postponed(self, request: PollRequest, now: float) -> None:
        """Schedule again, with twice the wait, a batch that is still open or that ARM gave no answer about."""
        wait_seconds = 2 * (request.waited_seconds or self._first_seconds)
        request.waited_seconds = min(self._longest_seconds, wait_seconds)
        self._put(request, now, request.waited_seconds)
        if now - self._called_up_at >= self._longest_seconds:
            doubled = (now - self._closed_at) / self._longest_seconds / DOUBLED_EVERY
            for _ in range(min(len(self._waiting), int(2 ** min(MOST_DOUBLED, doubled)))):
                self._call_up(now)

    def done(self, request: PollRequest, now: float) -> None:
        """Learn from a batch that ARM has finished."""
        self._closed_at = now
        age_seconds = now - request.accepted_at
        if request.asked == 1:
            self._usual_seconds = min(EARLIER * self._usual_seconds, age_seconds)
        else:
            self._usual_seconds += LEARN * (age_seconds - self._usual_seconds)
        self._usual_seconds = max(self._first_seconds, self._usual_seconds)
        self._called_up -= 1
        for _ in range(2 if request.asked == 1 else 1):
            self._call_up(now)

    def removed(self, now: float) -> None:
        """Drop a batch for a reason that says nothing about the others."""
        self._called_up -= 1
        self._call_up(now)

    def clear(self) -> Iterator[PollRequest]:
        """Remove and return every request that is not under way."""
        left = chain(self._waiting, (request for _, _, request in self._due))
        self._waiting, self._due, self._called_up = deque(), [], 0
        return left

    def _call_up(self, now: float) -> None:
        if self._waiting:
            request = self._waiting.popleft()
            self._called_up += 1
            self._called_up_at = now
            self._put(request, now, min(self._longest_seconds, request.accepted_at + self._usual_seconds - now))

    def _put(self, request: PollRequest, now: float, wait_seconds: float) -> None:
        self._number += 1
        due_at = now + max(0.0, wait_seconds) * self._random.uniform(0.9, 1.1)
        heapq.heappush(self._due, (due_at, self._number, request))

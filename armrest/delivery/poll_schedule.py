"""When each open batch is asked about: a few of them with back-off, the others once those have told how long it takes.

What is found closed calls up those that wait, the oldest first: two for a batch that its first question found closed,
since we are behind then, and one for any other. Who is called up is asked when it is as old as batches usually are
when they close, but soon in any case. While nothing is closed ever more are called up: those that are asked may be the
only ones that hang. Reasons and figures: docs/decisions/0043-timetable.md.
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

ASKED_AT_FIRST: Final = 10
"""Up to so many open batches are asked about before any is closed; of more, the oldest."""
EARLIER: Final = 0.98
"""A batch that its first question found closed was closed before that: the next are asked so much earlier."""
LEARN: Final = 1 / 8
"""How far a later answer moves what is held to be usual, as TCP has it for round trips (RFC 6298)."""
DOUBLED_EVERY: Final = 4
"""While nothing is closed, twice as many are called up after so many of the longest waits, and at most `MOST_DOUBLED`
times so."""
MOST_DOUBLED: Final = 20


@dataclass(slots=True, eq=False, kw_only=True)
class PollRequest:
    """What became of a batch? `done` is answered when there is no use in asking again."""

    batch: Batch
    accepted_at: float
    done: asyncio.Future[None]
    asked: int = field(init=False, default=0)
    waited_seconds: float = field(init=False, default=0.0)


class PollSchedule:
    """Questions in their order. Times are in seconds, of whatever clock.

    Args:
        first_seconds: The wait from acceptance to the first question, at least.
        longest_seconds: The wait between two questions about a batch, at most.
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
        """When the next question is due; None while nothing is known to be."""
        return self._due[0][0] if self._due else None

    def add(self, question: PollRequest, now: float) -> None:
        """Take in a question that was not asked yet."""
        if not self._called_up:
            self._closed_at = now
        self._waiting.append(question)
        if self._called_up < ASKED_AT_FIRST:
            self._call_up(now)

    def due(self, now: float) -> Iterator[PollRequest]:
        """Take out the questions that are due."""
        while self._due and self._due[0][0] <= now:
            question = heapq.heappop(self._due)[2]
            question.asked += 1
            yield question

    def postponed(self, question: PollRequest, now: float) -> None:
        """It is still open, or was not answered: ask again, after twice as long a wait."""
        wait_seconds = 2 * (question.waited_seconds or self._first_seconds)
        question.waited_seconds = min(self._longest_seconds, wait_seconds)
        self._put(question, now, question.waited_seconds)
        if now - self._called_up_at >= self._longest_seconds:
            doubled = (now - self._closed_at) / self._longest_seconds / DOUBLED_EVERY
            for _ in range(min(len(self._waiting), int(2 ** min(MOST_DOUBLED, doubled)))):
                self._call_up(now)

    def closed(self, question: PollRequest, now: float) -> None:
        """ARM has worked it through."""
        self._closed_at = now
        age_seconds = now - question.accepted_at
        if question.asked == 1:
            self._usual_seconds = min(EARLIER * self._usual_seconds, age_seconds)
        else:
            self._usual_seconds += LEARN * (age_seconds - self._usual_seconds)
        self._usual_seconds = max(self._first_seconds, self._usual_seconds)
        self._called_up -= 1
        for _ in range(2 if question.asked == 1 else 1):
            self._call_up(now)

    def removed(self, now: float) -> None:
        """There is no use in asking again about a batch, for another reason, which tells nothing of the others."""
        self._called_up -= 1
        self._call_up(now)

    def clear(self) -> Iterator[PollRequest]:
        """Take out all that is not being asked just now."""
        left = chain(self._waiting, (question for _, _, question in self._due))
        self._waiting, self._due, self._called_up = deque(), [], 0
        return left

    def _call_up(self, now: float) -> None:
        if self._waiting:
            question = self._waiting.popleft()
            self._called_up += 1
            self._called_up_at = now
            self._put(question, now, min(self._longest_seconds, question.accepted_at + self._usual_seconds - now))

    def _put(self, question: PollRequest, now: float, wait_seconds: float) -> None:
        self._number += 1
        due_at = now + max(0.0, wait_seconds) * self._random.uniform(0.9, 1.1)
        heapq.heappush(self._due, (due_at, self._number, question))

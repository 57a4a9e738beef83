"""One brake for all calls of a process: how many at once, and at which pace.

The pace is unlimited until ARM answers 429 or 503. Then all calls wait as long as `Retry-After` says, and go on
somewhat slower than ARM was seen to bear; every success makes them a little faster again (additive increase,
multiplicative decrease). Times are those of the event loop.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Final

DECREASE: Final = 0.85
INCREASE_PER_SECOND: Final = 0.02
SLOWEST: Final = 0.05
"""Requests per second, whatever ARM answers."""
WINDOW_SECONDS: Final = 5.0
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0


class Brake:
    """Lets calls through.

    Args:
        concurrency: Calls under way at once, at most.
        random: Spreads the calls that wait for the same moment.
    """

    def __init__(self, *, concurrency: int, random: Random) -> None:
        self._free = asyncio.Semaphore(concurrency)
        self._random = random
        self._rate: float | None = None
        self._next = 0.0
        self._paused_until = 0.0
        self._slowed_at = 0.0
        self._grown_at = 0.0
        self._refusals = 0
        self._let_through: deque[float] = deque()

    @property
    def rate(self) -> float | None:
        """Requests per second that are let through at most; None: as many as come."""
        return self._rate

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for one's turn, and hold it for the time of one call."""
        async with self._free:
            await self._turn()
            yield

    async def _turn(self) -> None:
        while (wait := self._reserve()) > 0:
            await asyncio.sleep(wait)
            if self._now() >= self._paused_until:
                break
        self._let_through.append(self._now())

    def _reserve(self) -> float:
        """Take the next free moment; return how many seconds away it is."""
        now = self._now()
        at = max(now, self._next, self._paused_until)
        if self._rate is not None:
            self._next = at + 1 / self._rate
        return at - now

    def slow(self, retry_after_seconds: float | None) -> None:
        """ARM asked for less: pause all calls, and go on slower.

        Answers to calls that were under way together slow it once, not once each.
        """
        now = self._now()
        if now >= self._paused_until:
            self._refusals += 1
            self._rate = max(SLOWEST, DECREASE * self._seen_rate(now))
            self._slowed_at = self._grown_at = now
        pause = retry_after_seconds if retry_after_seconds is not None else self._own_pause()
        self._paused_until = max(self._paused_until, now + pause)
        self._next = max(self._next, self._paused_until)

    def fine(self) -> None:
        """A call was served: the pace may recover."""
        self._refusals = 0
        if self._rate is None:
            return
        now = self._now()
        calm = max(1.0, (now - self._slowed_at) / 10)  # the longer it went well, the bolder
        self._rate *= 1 + min(0.5, INCREASE_PER_SECOND * calm * (now - self._grown_at))
        self._grown_at = now

    def _own_pause(self) -> float:
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (self._refusals - 1))
        return longest * self._random.uniform(0.5, 1.0)

    def _seen_rate(self, now: float) -> float:
        while self._let_through and self._let_through[0] < now - WINDOW_SECONDS:
            self._let_through.popleft()
        span = max(1.0, now - self._let_through[0]) if self._let_through else 1.0
        seen = len(self._let_through) / span
        return seen if self._rate is None else min(self._rate, seen)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

"""One rate limiter for all calls of a process: how many at once, and at which pace.

How many is learned from how long answers take; see `adaptive_limit`, and `shard_limit` for one of several senders.
The pace is unlimited until ARM answers 429. Then all calls wait as long as `Retry-After` says, and go on somewhat
slower than the pace that was refused. They are back at it after `RECOVERY_SECONDS`, or `RECOVERY_CALLS` where these
take longer, stay near it for a while, and then grow ever faster: a cubic, as TCP has it; docs/decisions/0011-brake.md
says why. Times are the event loop's.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from armrest.delivery.rate.adaptive_limit import AdaptiveLimit
from armrest.delivery.rate.shard_limit import ShardLimit

DECREASE: Final = 0.2
RECOVERY_SECONDS: Final = 8.0
RECOVERY_CALLS: Final = 20
"""Whoever has a small share of what ARM allows would otherwise be refused every few calls."""
SLOWEST: Final = 0.05
"""Requests per second, whatever ARM answers."""
WINDOW_SECONDS: Final = 5.0
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0


class RateLimiter:
    """Lets calls through.

    Args:
        concurrency: Calls under way at once, at most.
        lowest: As few of them as slow answers may bring it down to.
        random: Spreads the ends of pauses for which ARM has named no time.
        usual: How long answers take where nobody else sends, by kind of call; for one of several senders.
    """

    def __init__(
        self, *, concurrency: int, random: Random, lowest: int = 1, usual: Mapping[str, float] | None = None
    ) -> None:
        self._width: ShardLimit | AdaptiveLimit = (
            ShardLimit(lowest=lowest, highest=concurrency, usual=usual)
            if usual
            else AdaptiveLimit(lowest=lowest, highest=concurrency)
        )
        self._under_way = 0
        self._freed = asyncio.Event()
        self._queue = asyncio.Lock()
        self._random = random
        self._refused_pace: float | None = None
        self._goes_on_at = 0.0
        self._refusals = 0
        self._let_through: deque[float] = deque()

    @property
    def pace(self) -> float | None:
        """Requests per second that are let through at most; None: as many as come."""
        if self._refused_pace is None:
            return None
        seconds = max(RECOVERY_SECONDS, RECOVERY_CALLS / self._refused_pace)
        recovered = max(0.0, self._now() - self._goes_on_at) / seconds
        return self._refused_pace * (1 + DECREASE * (recovered - 1) ** 3)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for one's turn, and hold it for the time of one call."""
        async with self._queue:
            while self._under_way >= self._width.calls:
                self._freed.clear()
                await self._freed.wait()
            while (wait := self._wait_seconds()) > 0:  # noqa: ASYNC110  for a time, not for an event
                await asyncio.sleep(wait)
            self._record_call()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._freed.set()

    def answered(self, kind: str, *, left_at: float) -> None:
        """A call of some kind has its answer, whatever it says; heard while its slot is still held."""
        self._width.answered(kind, left_at=left_at, now=self._now(), under_way=self._under_way)

    def on_rate_limited(self, retry_after_seconds: float | None, *, left_at: float) -> None:
        """ARM found the pace too fast (429): pause all calls, and go on slower.

        Calls that were under way together slow it once, not once each.

        Args:
            retry_after_seconds: None, or 0, where ARM has named no time that helps.
            left_at: When the refused call left.
        """
        if left_at >= self._goes_on_at:
            self._refused_pace = max(SLOWEST, min(self._seen_pace(), self.pace or self._seen_pace()))
        self.pause(retry_after_seconds, left_at=left_at)

    def pause(self, retry_after_seconds: float | None, *, left_at: float) -> None:
        """ARM cannot serve just now (503): pause all calls."""
        if left_at >= self._goes_on_at:
            self._refusals += 1
        elif not retry_after_seconds:
            return
        seconds = retry_after_seconds or self._own_pause()
        self._goes_on_at = max(self._goes_on_at, self._now() + seconds)

    def on_success(self) -> None:
        """A call was served."""
        self._refusals = 0

    def _wait_seconds(self) -> float:
        pace = self.pace
        next_at = self._let_through[-1] + 1 / pace if pace and self._let_through else 0.0
        return max(self._goes_on_at, next_at) - self._now()

    def _record_call(self) -> None:
        now = self._now()
        while self._let_through and self._let_through[0] < now - WINDOW_SECONDS:
            self._let_through.popleft()
        self._let_through.append(now)

    def _own_pause(self) -> float:
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (self._refusals - 1))
        return longest * self._random.uniform(0.5, 1.0)

    def _seen_pace(self) -> float:
        """Return the pace of the last few seconds in which calls were let through."""
        if not self._let_through:
            return 1.0
        return len(self._let_through) / max(1.0, self._now() - self._let_through[0])

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

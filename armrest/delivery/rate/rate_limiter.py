"""One rate limiter for all calls of a process: how many at once, and how many per second.

How many at once is learned from how long answers take; see `adaptive_limit`, and `shard_limit` for one of several
senders. The pace is unlimited until ARM answers 429. Then all calls wait as long as `Retry-After` says, and continue
somewhat slower than the refused pace. They reach it again after `RECOVERY_SECONDS`, or after `RECOVERY_CALLS` if these
take longer, stay near it for a while, and then accelerate: a cubic curve, as in TCP CUBIC. Times are the event loop's.
Reasons: docs/decisions/0011-brake.md.
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
"""Without this, a sender with a small share of ARM's limit would be refused every few calls."""
SLOWEST: Final = 0.05
"""Lower bound of requests per second, whatever ARM answers."""
WINDOW_SECONDS: Final = 5.0
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0


class RateLimiter:
    """Limits how many calls are under way and how fast they leave.

    Args:
        concurrency: The most calls under way at once.
        lowest: The fewest calls at once that slow answers may reduce it to.
        random: Adds jitter to pauses for which ARM gave no time.
        usual: For one of several senders: how long an answer takes when nobody else sends, by kind of call.
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
        """The most requests per second; None: unlimited."""
        if self._refused_pace is None:
            return None
        seconds = max(RECOVERY_SECONDS, RECOVERY_CALLS / self._refused_pace)
        recovered = max(0.0, self._now() - self._goes_on_at) / seconds
        return self._refused_pace * (1 + DECREASE * (recovered - 1) ** 3)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and hold it for one call."""
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

    def on_answer(self, kind: str, *, left_at: float) -> None:
        """Learn from any answer to a call; to be called while its slot is still held."""
        self._width.answered(kind, left_at=left_at, now=self._now(), under_way=self._under_way)

    def on_rate_limited(self, retry_after_seconds: float | None, *, left_at: float) -> None:
        """Pause all calls and continue slower, since ARM found the pace too fast (429).

        Calls that were under way together slow the pace once, not once each.

        Args:
            retry_after_seconds: None or 0 if ARM gave no usable time.
            left_at: When the refused call left.
        """
        if left_at >= self._goes_on_at:
            self._refused_pace = max(SLOWEST, min(self._seen_pace(), self.pace or self._seen_pace()))
        self.pause(retry_after_seconds, left_at=left_at)

    def pause(self, retry_after_seconds: float | None, *, left_at: float) -> None:
        """Pause all calls, since ARM cannot serve at the moment (503)."""
        if left_at >= self._goes_on_at:
            self._refusals += 1
        elif not retry_after_seconds:
            return
        seconds = retry_after_seconds or self._own_pause()
        self._goes_on_at = max(self._goes_on_at, self._now() + seconds)

    def on_success(self) -> None:
        """Reset the back-off, since ARM has served a call."""
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
        """Return the calls per second over the last few seconds."""
        if not self._let_through:
            return 1.0
        return len(self._let_through) / max(1.0, self._now() - self._let_through[0])

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

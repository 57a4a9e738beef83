"""Retry calls that are safe to repeat and not recorded in a ledger."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar

from armrest.api.errors import RateLimited, TryAgain

T = TypeVar("T")
FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The attempts and time that a call may take.

    Attributes:
        max_tries: The most attempts, not counting those that got a 429 or 503.
        seconds: The time from the first attempt to the start of the last.
    """

    max_tries: int = 5
    seconds: float = 300.0
    random: Random = field(default_factory=Random, repr=False)

    async def retry(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call until it is answered, with exponential back-off and jitter; `Retry-After` is obeyed.

        Raises:
            TryAgain: The last error, if tries or time have run out, or if ARM asks to wait longer.
        """
        loop = asyncio.get_running_loop()
        until, tries, waits = loop.time() + self.seconds, 0, 0
        while True:
            try:
                return await call()
            except TryAgain as error:
                tries += not isinstance(error, RateLimited)
                wait = self._wait(error, waits)
                if tries >= self.max_tries or loop.time() + wait > until:
                    raise
            waits += 1
            await asyncio.sleep(wait)

    def _wait(self, error: TryAgain, waits: int) -> float:
        if error.retry_after_seconds is not None:
            return error.retry_after_seconds
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0**waits)
        return self.random.uniform(longest / 2, longest)

"""How long a call that may be repeated is repeated, where no ledger stands behind it."""

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
    """Tries and time that a call may take until it is given up.

    Attributes:
        max_tries: Attempts at most; those that a 429 or 503 puts off are not counted.
        seconds: From the first attempt until the last may begin.
    """

    max_tries: int = 5
    seconds: float = 300.0
    random: Random = field(default_factory=Random, repr=False)

    async def retry(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call until it is answered, with exponential back-off and jitter; `Retry-After` is obeyed.

        Raises:
            TryAgain: The last trouble, when tries or time have run out, or ARM asks to wait for longer than that.
        """
        loop = asyncio.get_running_loop()
        until, tries, waits = loop.time() + self.seconds, 0, 0
        while True:
            try:
                return await call()
            except TryAgain as trouble:
                tries += not isinstance(trouble, RateLimited)
                wait = self._wait(trouble, waits)
                if tries >= self.max_tries or loop.time() + wait > until:
                    raise
            waits += 1
            await asyncio.sleep(wait)

    def _wait(self, trouble: TryAgain, waits: int) -> float:
        if trouble.retry_after_seconds is not None:
            return trouble.retry_after_seconds
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0**waits)
        return self.random.uniform(longest / 2, longest)

"""Planning that can be interrupted: it is one call without an await, so it runs in a greenlet of its own.

The greenlet switches back to the event loop where the process falls asleep, and goes on when it wakes up. Everything
stays on one thread, in an order that follows from the seed.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Protocol

from greenlet import getcurrent, greenlet

from tests.simulation.loop import OWNER


class Sleeper(Protocol):
    """What can be stopped, and go on."""

    def stop(self) -> None:
        """Stop, as SIGSTOP does."""

    def go_on(self) -> None:
        """Go on, as SIGCONT does."""

    def die(self) -> None:
        """End, as SIGKILL does."""


class Interruptible:
    """Runs a call of a sleeper in a greenlet."""

    def __init__(self, sleeper: Sleeper, interruption: Callable[[], BaseException]) -> None:
        self._sleeper = sleeper
        self._interruption = interruption
        self._call: greenlet | None = None

    @property
    def is_running(self) -> bool:
        """Whether the code that asks is within the call."""
        return self._call is not None and getcurrent() is self._call

    def fall_asleep(self, seconds: float) -> None:
        """Sleep, within the call: the sleeper is stopped for these seconds."""
        assert self._call is not None
        assert self._call.parent is not None
        self._call.parent.switch(seconds)

    async def run(self, call: Callable[[], Any]) -> None:
        """Make the call, and let everybody else work while it sleeps."""
        self._call = greenlet(call)
        seconds = self._call.switch()
        while not self._call.dead:
            self._sleeper.stop()
            nobody = copy_context()
            nobody.run(OWNER.set, None)
            asyncio.get_running_loop().call_later(seconds, self._sleeper.go_on, context=nobody)
            try:
                await asyncio.sleep(0)  # what goes on here is kept back until the sleeper wakes up
            except asyncio.CancelledError:
                self._sleeper.die()
                self._call.throw(self._interruption())
                raise
            seconds = self._call.switch()

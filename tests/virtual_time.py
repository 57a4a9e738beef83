"""An event loop whose time does not pass but jumps: where every task waits, it moves to the next timer at once.

A test under `virtual_time` sleeps for hours in no time, and in the same order each time. What is real (sockets,
threads, other processes) does not belong on this loop.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec

P = ParamSpec("P")

EPOCH: Final = 1_800_000_000.0
"""Seconds since 1970 at which every loop begins."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 0, and moves only when nothing is left to do."""

    def __init__(self) -> None:
        self._seconds = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """The virtual time in seconds."""
        return self._seconds

    def jump(self, seconds: float) -> None:
        """Let so many seconds have passed."""
        self._seconds += seconds


class _JumpingSelector(selectors.SelectSelector):
    """Does not wait for what may come, but has the loop jump to what will."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._virtual = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if timeout is None and not ready:
            raise RuntimeError("every task waits for something that cannot come on a virtual clock")
        if not ready and timeout:
            self._virtual.jump(timeout)
        return ready


def now() -> float:
    """Seconds since 1970, in step with the running loop; `EPOCH` where none runs."""
    try:
        return EPOCH + asyncio.get_running_loop().time()
    except RuntimeError:
        return EPOCH


class _MovedClock:
    """A loop's clock that is ahead of its real one."""

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self.ahead_seconds = 0.0

    def __call__(self) -> float:
        return self._real() + self.ahead_seconds


def let_pass(seconds: float) -> None:
    """Move the clock of the running loop, a real one, ahead: what is due by then happens at its next turn.

    So that a time-out can be as long as no machine needs, and a test of it does not wait.
    """
    loop: Any = asyncio.get_running_loop()
    if not isinstance(loop.time, _MovedClock):
        loop.time = _MovedClock(loop.time)
    loop.time.ahead_seconds += seconds


def virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test on a loop of its own, which starts at time 0."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run

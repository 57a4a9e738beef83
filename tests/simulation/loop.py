"""One event loop for many simulated processes: time jumps, and a process can be stopped as SIGSTOP stops one.

Every task and timer belongs to the process in whose context it was made. While a process is stopped, what falls due
for it is kept back in order; when it goes on, all of that runs first, as it would in a real event loop.
"""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any, Final, TypeVarTuple

from tests.virtual_time import VirtualTimeLoop

_Ts = TypeVarTuple("_Ts")


class Stoppable:
    """What owns callbacks, and can be stopped."""

    def __init__(self) -> None:
        self.stopped = False
        self.kept_back: list[events.Handle] = []


OWNER: Final[ContextVar[Stoppable | None]] = ContextVar("owner", default=None)
"""The process that the running code belongs to; None is the world outside."""

MOST_CALLBACKS: Final = 200_000
"""A simulation that needs more is going round in circles."""


class GoingRound(BaseException):
    """Something happens again and again, and no time passes, or nothing comes of it."""


class NumberedTask(asyncio.Task[Any]):
    """A task that has the same place in a set each time: asyncio keeps sets of tasks, and cancels them in their order.

    By itself a task's hash is its place in memory.
    """

    def __init__(self, coroutine: Any, *, loop: asyncio.AbstractEventLoop, **more: Any) -> None:
        assert isinstance(loop, SimulationLoop)
        loop.tasks += 1
        self._number = loop.tasks
        super().__init__(coroutine, loop=loop, **more)

    def __hash__(self) -> int:
        return self._number


class SimulationLoop(VirtualTimeLoop):
    """Runs callbacks of processes that are not stopped."""

    _ready: deque[events.Handle]  # this and the next: set by asyncio
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self.callbacks = 0
        self.tasks = 0

    def go_on(self, owner: Stoppable) -> None:
        """Let a process go on."""
        owner.stopped = False
        self._ready.extend(owner.kept_back)
        owner.kept_back.clear()

    def _call_soon(self, callback: Callable[..., Any], args: tuple[Any, ...], context: Context | None) -> events.Handle:
        handle = _Owned(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call back at a time of this loop."""
        timer = _OwnedTimer(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer


class _Keeping:
    __slots__ = ()
    _context: Context
    _loop: SimulationLoop

    def _run(self) -> None:
        owner = self._context.get(OWNER)
        if owner is not None and owner.stopped:
            owner.kept_back.append(self)  # type: ignore[arg-type]  # it is mixed into handles only
            return
        self._loop.callbacks += 1
        if self._loop.callbacks > MOST_CALLBACKS:
            raise GoingRound(f"{MOST_CALLBACKS} callbacks, and no end")
        super()._run()  # type: ignore[misc]  # asyncio's handle, beside which this is mixed in


class _Owned(_Keeping, events.Handle):
    __slots__ = ()


class _OwnedTimer(_Keeping, events.TimerHandle):
    __slots__ = ()
    _scheduled: bool

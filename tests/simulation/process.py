"""A simulated process: its life from the start to the end or the kill, its ledger, its way to ARM."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

import httpx
from sqlalchemy import Connection, Engine, Row, Select

from armrest.outbox import Ledger
from tests.simulation.arm import Arm, Errand
from tests.simulation.judge import Judge
from tests.simulation.loop import OWNER, SimulationLoop, Stoppable
from tests.simulation.scenario import Fate, Kill, Moment, Stop, Terminate
from tests.simulation.trace import Trace


class Killed(BaseException):
    """The process is no more: what its code still does reaches neither the ledger nor ARM."""


class Process(Stoppable):
    """One process.

    Attributes:
        run_id: The run that it carries.
        epoch: Of the lease that it was the last to take, as the ledger had it.
        asked: The uuids of the batches that it has asked about.
    """

    def __init__(self, name: str, run_id: str, fate: Fate, *, arm: Arm, judge: Judge, trace: Trace) -> None:
        super().__init__()
        self.name = name
        self.run_id = run_id
        self.epoch: int | None = None
        self.asked: set[str] = set()
        self.alive = True
        self.ended = False
        self.told_to_end_at: float | None = None
        self.wire: httpx.AsyncBaseTransport = _Wire(self, arm, judge)
        self._fate = fate
        self._passed: dict[Moment, int] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._judge = judge
        self._trace = trace

    def tell(self, what: str, *, counted: str = "") -> None:
        """Add a line to the trace."""
        self._trace.tell(self.name, what, counted=counted)

    def ledger(self, engine: Engine, now: Callable[[], float]) -> Ledger:
        """The ledger as this process has opened it."""
        return _MortalLedger(engine, self, self._judge, now=now)

    def owns(self, task: asyncio.Task[Any]) -> None:
        """Remember a task that this process has started."""
        self._tasks.append(task)

    async def live(self, work: Callable[["Process"], Awaitable[None]]) -> None:
        """Do some work as this process, until it ends or the process is killed."""
        self.tell("starts", counted="processes")
        mine = copy_context()
        mine.run(OWNER.set, self)
        main: asyncio.Task[None] = asyncio.Task(work(self), loop=asyncio.get_running_loop(), context=mine)  # type: ignore[arg-type]
        self._tasks.append(main)
        blows = list(self._blows(main))
        await asyncio.wait({main})
        for blow in blows:
            blow.cancel()
        if not self.alive:
            await self._clear_away()
            return
        self.ended = True
        self._judge.ended(self, None if main.cancelled() else main.exception())

    def reaches(self, moment: Moment) -> None:
        """Die here, if that is the process's fate."""
        if not self.alive:
            raise Killed
        self._passed[moment] = self._passed.get(moment, 0) + 1
        match self._fate:
            case Kill(fatal, count) if (fatal, count) == (moment, self._passed[moment]):
                self.tell(f"is killed {moment}", counted=f"killed {moment}")
                self.alive = False
                for task in self._tasks:
                    task.cancel()
                raise Killed

    async def _clear_away(self) -> None:
        while left := [task for task in self._tasks if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.sleep(0)
        if isinstance(self._fate, Kill) and self._fate.seen:
            self._judge.records.bury(self.epoch)

    def _blows(self, main: asyncio.Task[None]) -> Iterator[asyncio.TimerHandle]:
        later = asyncio.get_running_loop().call_later
        match self._fate:
            case Stop(after, seconds):
                yield later(after, self._stop)
                yield later(after + seconds, self._go_on)
            case Terminate(after):
                yield later(after, self._terminate, main)

    def _stop(self) -> None:
        self.tell("is stopped", counted="stopped")
        self.stopped = True

    def _go_on(self) -> None:
        self.tell("goes on")
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        loop.go_on(self)

    def _terminate(self, main: asyncio.Task[None]) -> None:
        self.tell("is told to end", counted="told to end")
        self.told_to_end_at = asyncio.get_running_loop().time()
        main.cancel()


class _MortalLedger(Ledger):
    """A ledger in whose transactions a process may die."""

    def __init__(self, engine: Engine, process: Process, judge: Judge, *, now: Callable[[], float]) -> None:
        self._process = process
        self._judge = judge
        super().__init__(engine, now=now)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As a ledger's, and the judge sees what was committed."""
        self._live()
        with super().write() as tx:
            yield tx
            self._process.reaches("before a commit")
        self._judge.committed(self._process)
        self._process.reaches("after a commit")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As a ledger's."""
        self._live()
        with super().read() as tx:
            yield tx

    def rows(self, query: Select[Any], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """As a ledger's."""
        self._live()
        return super().rows(query, values)

    def _live(self) -> None:
        if not self._process.alive:
            raise Killed


class _Wire(httpx.AsyncBaseTransport):
    """The way to ARM. What is on it may arrive whatever becomes of the process."""

    def __init__(self, process: Process, arm: Arm, judge: Judge) -> None:
        self._process = process
        self._arm = arm
        self._judge = judge

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request, and what comes back."""
        self._process.reaches("before a request leaves")
        self._judge.leaving(self._process, request.method, request.url.path, await request.aread())
        errand = Errand(self._arm, self._process.run_id)
        journey = self._arm.send(errand, request)
        try:
            response = await asyncio.shield(journey)
        except asyncio.CancelledError:
            self._arm.abandon(journey)
            raise
        self._process.reaches("before its answer comes")
        self._judge.answered(self._process, errand.reply)
        return response

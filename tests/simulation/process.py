"""A simulated process: its life from the start to the end or the kill, and its way to ARM."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextvars import copy_context
from typing import Any

import httpx

from armrest.outbox import Outbox, SpilledUuid, StoppedBy
from tests.simulation.arm import Arm, Errand
from tests.simulation.disk import Disk
from tests.simulation.hazards import Call
from tests.simulation.interruptible import Interruptible
from tests.simulation.judge import Judge
from tests.simulation.loop import OWNER, NumberedTask, SimulationLoop, Stoppable
from tests.simulation.mortal import MortalBodies, MortalLedger, MortalSpill
from tests.simulation.scenario import Fate, Kill, Loss, Moment, Outage, Sleep, Stop, Terminate
from tests.simulation.trace import Trace


class Killed(BaseException):
    """The process was killed: what its code still does reaches neither the ledger nor ARM."""


class Process(Stoppable):
    """One process.

    Attributes:
        run_id: The run that it carries.
        epoch: Of the lease that it was the last to take, as the ledger had it.
        asked: The uuids of the batches that it has asked about.
        by_person: Whether a person has started it.
        has_lost_ledger: Whether it could not use the ledger at some time.
    """

    def __init__(
        self,
        name: str,
        run_id: str,
        fate: Fate,
        *,
        arm: Arm,
        judge: Judge,
        trace: Trace,
        by_person: bool = True,
        outage: Outage | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.run_id = run_id
        self.epoch: int | None = None
        self.asked: set[str] = set()
        self.started_at = asyncio.get_running_loop().time()
        self.alive = True
        self.ended = False
        self.told_to_end_at: float | None = None
        self.stopped_by: StoppedBy | None = None
        self.by_person = by_person
        self.has_lost_ledger = False
        self.wire: httpx.AsyncBaseTransport = _Wire(self, arm, judge)
        self._fate = fate
        self._passed: dict[Moment, int] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._outage = outage
        self._failures = 0
        self._planning = Interruptible(self, Killed)
        self._naps = fate.count if isinstance(fate, Sleep) else 0
        self._judge = judge
        self._trace = trace

    def tell(self, what: str, *, counted: str = "") -> None:
        """Add a line to the trace."""
        self._trace.tell(self.name, what, counted=counted)

    def outbox(self, disk: Disk, now: Callable[[], float]) -> Outbox:
        """The outbox as this process has opened it."""
        ledger = MortalLedger(disk, self, now=now)
        return Outbox(ledger, MortalBodies(str(disk.bodies), self), MortalSpill(disk.spill, ledger, self))

    async def plan(self, work: Callable[[], Any]) -> None:
        """Plan, and sleep on the way if that is its fate."""
        if isinstance(self._fate, Sleep):
            await self._planning.run(work)
        else:
            work()

    def owns(self, task: asyncio.Task[Any]) -> None:
        """Remember a task that this process has started."""
        self._tasks.append(task)

    async def live(self, work: Callable[["Process"], Awaitable[None]]) -> None:
        """Do some work as this process, until it ends or the process is killed."""
        self.tell("starts", counted="processes")
        mine = copy_context()
        mine.run(OWNER.set, self)
        main: asyncio.Task[None] = NumberedTask(work(self), loop=asyncio.get_running_loop(), context=mine)
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
        self.assert_alive()
        self._passed[moment] = self._passed.get(moment, 0) + 1
        passed = (moment, self._passed[moment])
        if self._outage and (self._outage.moment, self._outage.count) == passed:
            self._failures = self._outage.failures
        match self._fate:
            case Kill(fatal, count) if (fatal, count) == passed:
                self.tell(f"is killed {moment}", counted=f"killed {moment}")
                self.die()
                raise Killed
            case Sleep(sleepy, _, seconds) if sleepy == moment and self._planning.is_running:
                self._naps -= 1
                if self._naps == 0:
                    self.tell(f"sleeps {moment}, while it plans", counted="slept while planning")
                    self._planning.fall_asleep(seconds)
                    self.assert_alive()

    def assert_alive(self) -> None:
        """Raise Killed if the process was killed."""
        if not self.alive:
            raise Killed

    def die(self) -> None:
        """Be killed: everything that it does ends."""
        self.alive = False
        if self.stopped:
            self.go_on()
        for task in self._tasks:
            task.cancel()

    # The ledger, as mortal.py asks ------------------------------------------------------------------------------

    def fails(self, call: Call) -> Loss | None:
        """Whether this call of the ledger fails; if so, how."""
        if not self._failures or self._outage is None or self._outage.call != call:
            return None
        self._failures -= 1
        self.has_lost_ledger = True
        self.tell(f"loses its {call}", counted=f"lost {call}")
        return self._outage.loss

    def committed(self) -> None:
        """Something was committed."""
        self._judge.committed(self)

    def waited(self, seconds: float) -> None:
        """It was blocked for these seconds."""
        self._judge.blocked_seconds += seconds

    def spilled(self, spilled: SpilledUuid) -> None:
        """A batchUuid is on the disk."""
        self._judge.spilled(self, spilled)

    def unspilled(self, spilled: SpilledUuid) -> None:
        """A batchUuid is no longer on the disk."""
        self._judge.unspilled(self, spilled)

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
                yield later(after, self.stop)
                yield later(after + seconds, self.go_on)
            case Terminate(after, by):
                yield later(after, self._terminate, main, by)

    def stop(self) -> None:
        """Stop, as SIGSTOP does."""
        self.tell("is stopped", counted="stopped")
        self.stopped = True

    def go_on(self) -> None:
        """Go on, as SIGCONT does."""
        if not self.stopped:
            return
        self.tell("goes on")
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulationLoop)
        loop.go_on(self)

    def _terminate(self, main: asyncio.Task[None], by: StoppedBy) -> None:
        self.tell(f"gets SIGTERM from a {by}", counted=f"SIGTERM from a {by}")
        self.stopped_by = by
        self._judge.told_to_end(self)
        main.cancel()


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

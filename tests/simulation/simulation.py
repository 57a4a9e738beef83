"""A simulation of one seed: operators start processes, ARM behaves by its weather, a judge watches.

Then all turns calm: what is open is resumed, what has failed is sent anew, and the books must equal the files.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any, Final

from armrest.outbox import check_outbox
from armrest.sandbox import Behaviour
from tests.simulation.arm import Arm
from tests.simulation.disk import Disk
from tests.simulation.judge import CLIENT_NO, Judge
from tests.simulation.loop import OWNER, SimulationLoop
from tests.simulation.process import Process
from tests.simulation.scenario import GHOST_HORIZON_SECONDS, Fate, Job, Life, Scenario, Weather, scenario_of
from tests.simulation.trace import Trace
from tests.simulation.work import Work
from tests.virtual_time import EPOCH

CALM: Final = Weather(since=0.0, behaviour=Behaviour())
AT_EASE: Final = Life(pause=0.0, patient=True, wait_seconds=0.0, deadline_seconds=600.0, fate=None)
MOST_ROUNDS: Final = 5
"""How often everything is resumed before it counts as open for ever."""


def simulate(seed: int, disk: Disk, *, aloud: bool = False) -> Trace:
    """Simulate one seed; return what happened.

    Args:
        aloud: Print what happens.

    Raises:
        Violation: Something that must hold did not.
    """
    trace = Trace(aloud)
    with asyncio.Runner(loop_factory=SimulationLoop) as runner:
        loop = runner.get_loop()
        loop.set_task_factory(_owned)
        loop.set_exception_handler(lambda *_: None)  # of tasks of the dead, whom nobody asks how they ended
        runner.run(_simulated(scenario_of(seed), disk, trace))
    return trace


async def _simulated(scenario: Scenario, disk: Disk, trace: Trace) -> None:
    await _Simulation(scenario, disk, trace).run()


def _owned(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(coroutine, loop=loop, **more)
    owner = OWNER.get()
    if isinstance(owner, Process):
        owner.owns(task)
    return task


class _Simulation:
    """One seed on its way."""

    def __init__(self, scenario: Scenario, disk: Disk, trace: Trace) -> None:
        disk.clear()
        self._scenario = scenario
        self._trace = trace
        self._outbox = disk.outbox(self._now)
        self._judge = Judge(scenario, disk.ledger, trace, self._now)
        self._arm = Arm(scenario.seed, self._judge, trace, scenario.weathers[0])
        self._judge.arm_records = self._arm.sandbox.records
        self._arm.sandbox.records.load(CLIENT_NO, scenario.in_the_books)
        self._work = Work(scenario, disk, self._judge, self._now)
        self._at_work = 0
        self._quiet = asyncio.Condition()

    def _now(self) -> float:
        """Our clock, which may jump back."""
        at, back = self._scenario.clock_jump
        seconds = asyncio.get_running_loop().time()
        return EPOCH + seconds - (back if seconds >= at else 0.0)

    async def run(self) -> None:
        """Tell the story, until its end or the first violation."""
        story = asyncio.create_task(self._story())
        ends: set[asyncio.Future[Any]] = {story, self._judge.verdict}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        self._judge.records.close()
        await (self._judge.verdict if self._judge.verdict.done() else story)

    async def _story(self) -> None:
        await self._storm()
        self._arm.turn(CALM)
        await self._resume_all()
        await self._rerun_all()
        self._arm.sandbox.records.advance()
        self._judge.moved()
        self._count()
        self._judge.books_equal_files()

    # While things go wrong ---------------------------------------------------------------------------------------

    async def _storm(self) -> None:
        later = asyncio.get_running_loop().call_later
        turns = [later(weather.since, self._arm.turn, weather) for weather in self._scenario.weathers[1:]]
        async with asyncio.TaskGroup() as group:
            for job in self._scenario.jobs:
                for lives in job.operators:
                    group.create_task(self._operate(job, lives))
            for at in self._scenario.sweeps:
                group.create_task(self._settle(after=at))
        for turn in turns:
            turn.cancel()
        self._count()

    async def _operate(self, job: Job, lives: tuple[Life, ...]) -> None:
        """Start process after process, until the run is closed; then rerun it, where that is planned."""
        await asyncio.sleep(job.start)
        for life in lives:
            await self._carry(job.name, job, life)
            if self._judge.records.is_closed(job.name):
                break
        for number, life in enumerate(job.reruns if lives is job.operators[0] else (), start=1):
            if self._judge.records.is_planned(job.name):
                await self._carry(f"{job.name}-{number}", job, life, parent=job.name)

    async def _carry(self, run_id: str, job: Job, life: Life, *, parent: str | None = None) -> None:
        await asyncio.sleep(life.pause)
        async with self._process(run_id, life.fate, patient=life.patient) as process:
            await process.live(lambda process: self._work.carry(process, job, life, parent))

    async def _settle(self, *, after: float, lost: Collection[str] = ()) -> None:
        await asyncio.sleep(after)
        async with self._process("settle", None, patient=False) as process:
            await process.live(lambda process: self._work.settle(process, AT_EASE.deadline_seconds, lost))

    @asynccontextmanager
    async def _process(self, run_id: str, fate: Fate, *, patient: bool) -> AsyncIterator[Process]:
        async with self._quiet:
            if patient:
                await self._quiet.wait_for(lambda: not self._at_work)
            self._at_work += 1
        name = f"{run_id}.{self._trace.counts['processes'] + 1}"
        yield Process(name, run_id, fate, arm=self._arm, judge=self._judge, trace=self._trace)
        async with self._quiet:
            self._at_work -= 1
            self._quiet.notify_all()

    def _count(self) -> None:
        for run_id in self._judge.records.runs():
            self._judge.count(self._outbox, run_id)
        self._judge.keeps_what_matters(self._outbox)
        for finding in check_outbox(self._outbox):
            self._judge.require(not finding.needs_action, finding.message)

    # When all is calm --------------------------------------------------------------------------------------------

    async def _resume_all(self) -> None:
        for _ in range(MOST_ROUNDS):
            await asyncio.sleep(GHOST_HORIZON_SECONDS)
            if not (left := self._left()):
                return
            for run_id in left:
                await self._carry(run_id, self._job_of(run_id), AT_EASE, parent=self._judge.model.parent(run_id))
            if lost := self._judge.forgotten & self._judge.records.accepted_uuids():
                self._judge.given_up(lost)
                await self._settle(after=0.0, lost=lost)
        self._judge.require(not self._left(), f"open for ever: {self._left()}")

    def _left(self) -> list[str]:
        """The runs that are not closed, the oldest first; those that nobody has come to make, last."""
        runs = dict.fromkeys([*self._judge.records.runs(), *(job.name for job in self._scenario.jobs)])
        return [run_id for run_id in runs if not self._judge.records.is_closed(run_id)]

    def _job_of(self, run_id: str) -> Job:
        return next(job for job in self._scenario.jobs if run_id.partition("-")[0] == job.name)

    async def _rerun_all(self) -> None:
        for parent in filter(self._judge.records.has_failures, self._judge.records.runs()):
            run_id = f"{parent}-end"
            await self._carry(run_id, self._job_of(parent), AT_EASE, parent=parent)
            done = self._judge.records.is_closed(run_id) and not self._judge.records.has_failures(run_id)
            self._judge.require(done, f"rerun {run_id} leaves something undone, though nothing goes wrong any more")

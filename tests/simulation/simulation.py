"""A simulation of one seed: operators start processes, ARM behaves by its weather, a judge watches.

Then all turns calm: what is open is resumed, what has failed is sent anew, and the books must equal the files.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from armrest.outbox import check_outbox, reset_baseline
from armrest.sandbox import Behaviour
from tests.simulation.arm import Arm
from tests.simulation.disk import Disk
from tests.simulation.hazards import add_hazards, killed_rerun, outage_of
from tests.simulation.judge import CLIENT_NO, Judge
from tests.simulation.loop import OWNER, NumberedTask, SimulationLoop
from tests.simulation.process import Process
from tests.simulation.scenario import (
    GHOST_HORIZON_SECONDS,
    DryRun,
    Fate,
    Job,
    Life,
    Restore,
    Scenario,
    Weather,
    scenario_of,
)
from tests.simulation.trace import Trace
from tests.simulation.work import API_URL, Work
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
        runner.run(_simulated(add_hazards(scenario_of(seed)), disk, trace))
    return trace


async def _simulated(scenario: Scenario, disk: Disk, trace: Trace) -> None:
    await _Simulation(scenario, disk, trace).run()


def _owned(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
    task = NumberedTask(coroutine, loop=loop, **more)
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
        self._judge = Judge(scenario, disk.sql, trace, self._now)
        self._arm = Arm(scenario.seed, self._judge, trace, scenario.weathers[0])
        self._judge.arm_records = self._arm.sandbox.records
        self._arm.sandbox.records.load(CLIENT_NO, scenario.in_the_books)
        self._work = Work(scenario, disk, self._judge, self._now)
        self._ahead = 0.0
        self._alive: set[Process] = set()
        self._is_restoring = False
        self._is_calm = False
        self._at_work = 0
        self._quiet = asyncio.Condition()

    def _now(self) -> float:
        """Our clock, which may be set, and jump back."""
        at, back = self._scenario.clock_jump
        seconds = asyncio.get_running_loop().time()
        return EPOCH + seconds + self._ahead - (back if seconds >= at else 0.0)

    async def run(self) -> None:
        """Tell the story, until its end or the first violation."""
        story = asyncio.create_task(self._story())
        ends: set[asyncio.Future[Any]] = {story, self._judge.verdict}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        await (self._judge.verdict if self._judge.verdict.done() else story)

    async def _story(self) -> None:
        await self._storm()
        self._arm.turn(CALM)
        self._is_calm = self._work.is_calm = True
        await self._resume_all()
        await self._rerun_all()
        self._arm.sandbox.records.advance()
        self._judge.moved()
        self._count()
        self._judge.nothing_is_left_in_the_spill()
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
            for at, seconds in self._scenario.clock_steps:
                group.create_task(self._set_clock(at, seconds))
            if self._scenario.dry_run:
                group.create_task(self._try_out(self._scenario.dry_run))
            if self._scenario.restore:
                group.create_task(self._restore(self._scenario.restore))
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
        if self._scenario.kills_reruns and lives is job.operators[0] and self._judge.records.has_failures(job.name):
            dying = killed_rerun(self._scenario.seed, job.name)
            await self._carry(f"{job.name}-8", job, dying, parent=job.name)
            await self._carry(f"{job.name}-9", job, replace(dying, fate=None), parent=job.name)

    async def _try_out(self, dry_run: DryRun) -> None:
        """Make a plan, whatever else is at work, and apply it where that is planned."""
        job = dry_run.job
        await asyncio.sleep(job.start)
        async with self._process(job.name, dry_run.fate, patient=False) as process:
            await process.live(lambda process: self._work.make_plan(process, job))
        for life in dry_run.applied_by:
            if self._judge.records.is_planned(job.name) and not self._judge.records.is_closed(job.name):
                await self._carry(job.name, job, life)

    async def _set_clock(self, at: float, seconds: float) -> None:
        """Set our clock; by an hour or more only while nothing is in doubt, for the ghost horizon is counted by it."""
        await asyncio.sleep(at)
        while seconds > GHOST_HORIZON_SECONDS and self._judge.records.has_doubts(  # noqa: ASYNC110  no event tells when a doubt has passed
            self._now() - GHOST_HORIZON_SECONDS
        ):
            await asyncio.sleep(1.0)
        self._trace.tell("CLOCK", f"is set by {seconds:+.0f} s", counted="clock steps")
        self._ahead += seconds

    async def _restore(self, restore: Restore) -> None:
        """Replace the ledger by a copy, as docs/guarantees.md says: end all runs first, and reset the baseline."""
        await asyncio.sleep(restore.copied_at)
        copy = self._judge.copy()
        await asyncio.sleep(restore.seconds_later)
        self._is_restoring = True
        for process in list(self._alive):
            process.die()
        async with self._quiet:
            await self._quiet.wait_for(lambda: not self._alive)
        await asyncio.sleep(GHOST_HORIZON_SECONDS)
        self._arm.sandbox.records.advance()
        self._judge.moved()
        self._trace.tell("LEDGER", "is replaced by a copy", counted="restored ledgers")
        self._judge.restore(copy)
        reset_baseline(self._outbox.ledger, api_url=API_URL, client_no=CLIENT_NO)
        async with self._quiet:
            self._is_restoring = False
            self._quiet.notify_all()

    async def _carry(self, run_id: str, job: Job, life: Life, *, parent: str | None = None) -> None:
        await asyncio.sleep(life.pause)
        async with self._process(run_id, life.fate, patient=life.patient, by_person=life.by_person) as process:
            if parent and not self._judge.records.is_planned(parent):
                return  # the ledger was replaced by a copy that has not got it yet
            await process.live(lambda process: self._work.carry(process, job, life, parent))

    async def _settle(self, *, after: float, lost: Collection[str] = ()) -> None:
        await asyncio.sleep(after)
        async with self._process("settle", None, patient=False, by_person=False) as process:
            await process.live(lambda process: self._work.settle(process, AT_EASE.deadline_seconds, lost))

    @asynccontextmanager
    async def _process(
        self, run_id: str, fate: Fate, *, patient: bool, by_person: bool = True
    ) -> AsyncIterator[Process]:
        async with self._quiet:
            await self._quiet.wait_for(lambda: not self._is_restoring and not (patient and self._at_work))
            self._at_work += 1
        name = f"{run_id}.{self._trace.counts['processes'] + 1}"
        process = Process(
            name,
            run_id,
            fate,
            arm=self._arm,
            judge=self._judge,
            trace=self._trace,
            by_person=by_person,
            outage=outage_of(self._scenario.seed, name) if self._has_outages() else None,
        )
        self._alive.add(process)
        yield process
        async with self._quiet:
            self._alive.remove(process)
            self._at_work -= 1
            self._quiet.notify_all()

    def _has_outages(self) -> bool:
        return self._scenario.has_outages and not self._is_calm

    def _count(self) -> None:
        for run_id in self._judge.records.runs():
            self._judge.count(self._outbox, run_id)
        self._judge.keeps_what_matters(self._outbox)
        for finding in check_outbox(self._outbox):
            self._judge.require(not finding.needs_action, finding.message)

    # When all is calm --------------------------------------------------------------------------------------------

    async def _resume_all(self) -> None:
        for _ in range(MOST_ROUNDS + self._rounds_set_back()):
            await asyncio.sleep(GHOST_HORIZON_SECONDS)
            if not (left := self._left()):
                return
            for run_id in left:
                await self._carry(run_id, self._job_of(run_id), AT_EASE, parent=self._judge.model.parent(run_id))
            if lost := self._judge.forgotten & self._judge.records.accepted_uuids():
                self._judge.given_up(lost)
                await self._settle(after=0.0, lost=lost)
        self._judge.require(not self._left(), f"open for ever: {self._left()}")

    def _rounds_set_back(self) -> int:
        """How many rounds the times in the ledger may lie in the future."""
        back = sum(-seconds for _, seconds in self._scenario.clock_steps if seconds < 0)
        return math.ceil(back / GHOST_HORIZON_SECONDS)

    def _left(self) -> list[str]:
        """The runs that are not closed, the oldest first; those that nobody has come to make, last."""
        runs = dict.fromkeys([*self._judge.records.runs(), *(job.name for job in self._scenario.jobs)])
        return [run_id for run_id in runs if not self._judge.records.is_closed(run_id)]

    def _job_of(self, run_id: str) -> Job:
        return next(job for job in self._scenario.every_job if run_id.partition("-")[0] == job.name)

    async def _rerun_all(self) -> None:
        for parent in filter(self._judge.records.has_failures, self._judge.records.runs()):
            run_id = f"{parent}-end"
            await self._carry(run_id, self._job_of(parent), AT_EASE, parent=parent)
            done = self._judge.records.is_closed(run_id) and not self._judge.records.has_failures(run_id)
            self._judge.require(done, f"rerun {run_id} leaves something undone, though nothing goes wrong any more")

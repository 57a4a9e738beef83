"""What the processes do: what the flows do with the engine, without Prefect."""

import asyncio
import csv
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from pydantic import SecretStr

from armrest.api import ArmClient, ClientCredentials, FixedToken, StopTheRun, TokenProvider
from armrest.delivery import (
    Delivery,
    DeliveryOptions,
    finish,
    finish_stopped,
    hold_lease,
    send_and_poll_slices,
    sweep,
)
from armrest.outbox import (
    Lease,
    LeaseLost,
    Outbox,
    OutboxError,
    Run,
    UnknownRun,
    UpdateRequest,
    apply_plan,
    create_run,
    find_run,
    note_resumed,
)
from armrest.planning import plan, plan_rerun, rerun_request
from armrest.sandbox import API, CLIENT_ID, CLIENT_SECRET, IDENTITY, TOKEN
from tests.simulation.disk import Disk
from tests.simulation.judge import CLIENT_NO, Judge
from tests.simulation.process import Process
from tests.simulation.scenario import (
    CELLS,
    GHOST_HORIZON_SECONDS,
    LEASE_SECONDS,
    STOP_GRACE_SECONDS,
    Job,
    Life,
    Person,
    Scenario,
)
from tests.simulation.task_runs import Step, TaskRuns

API_URL: Final = f"http://sandbox{API}"
IDENTITY_URL: Final = f"http://sandbox{IDENTITY}"
TIMEOUT_SECONDS: Final = 20.0
_COLUMNS: Final = ("customerNo", *(column for columns in CELLS.values() for column in columns))


class Work:
    """The work of one simulation's processes: its files, its ledger, its settings, its clock."""

    def __init__(self, scenario: Scenario, disk: Disk, judge: Judge, now: Callable[[], float]) -> None:
        self._scenario = scenario
        self._disk = disk
        self._judge = judge
        self._now = now
        self.is_calm = False

    async def make_plan(self, process: Process, job: Job) -> None:
        """Plan a dry run, which needs no lease."""
        outbox = self._outbox(process)
        run = self._run(outbox, process.run_id, job, None, is_dry=True)
        await process.plan(partial(plan, outbox, run, None, rejects_folder=self._disk.rejects))

    async def carry(self, process: Process, job: Job, life: Life, parent: str | None) -> None:
        """Carry a run from wherever it stands: a file's, or the rerun of a parent; a plan is applied first."""
        outbox = self._outbox(process)
        run = self._run(outbox, process.run_id, job, parent)
        if self._left_to_a_person(outbox, run, life):
            return
        async with hold_lease(
            outbox.ledger,
            api_url=API_URL,
            client_no=CLIENT_NO,
            run_id=run.run_id,
            seconds=LEASE_SECONDS,
            wait_seconds=life.wait_seconds,
        ) as lease:
            if self._left_to_a_person(outbox, run, life):
                return
            try:
                await self._carry(process, outbox, run, job, life, lease)
            except asyncio.CancelledError:
                if process.stopped_by is not None:
                    finish_stopped(outbox, run, process.stopped_by, lease=lease)
                raise

    def _left_to_a_person(self, outbox: Outbox, run: Run, life: Life) -> bool:
        """What no person has started goes on with nothing that a person has stopped, as the flow resume-run."""
        return not life.by_person and find_run(outbox.ledger, run.run_id).is_left_to_people

    async def _carry(self, process: Process, outbox: Outbox, run: Run, job: Job, life: Life, lease: Lease) -> None:
        note_resumed(outbox.ledger, find_run(outbox.ledger, run.run_id), lease)
        if run.request.dry_run and not self._is_applied(process, outbox, run, lease):
            return
        run, stopped = await self._planned(process, outbox, run.run_id, job, lease), ""
        options, random = self._options(life.deadline_seconds), self._random(process)
        try:
            async with (
                self._arm(process) as arm,
                Delivery(outbox, arm, run, lease, options, random=random) as delivery,
            ):
                submit, poll = self._steps(process, outbox, run, delivery)
                await send_and_poll_slices(
                    range(1, run.slices + 1), submit=submit, poll=poll, concurrency=options.concurrency
                )
                if delivery.seconds_left() > 0:
                    self._judge.carried_through(process)
        except LeaseLost:
            raise
        except (StopTheRun, OutboxError) as error:
            process.tell(f"stops: {error}")
            stopped = str(error)
        finish(outbox, run, lease, stopped=stopped)

    def _steps(self, process: Process, outbox: Outbox, run: Run, delivery: Delivery) -> tuple[Step, Step]:
        if not self._scenario.is_prefect_away:
            return delivery.submit, delivery.poll
        tasks = TaskRuns(outbox.ledger, run, Random(f"prefect {process.name} {self._scenario.seed}"))
        if self.is_calm:
            tasks = TaskRuns(outbox.ledger, run, Random(), failures=0.0)
        return tasks.submit(delivery.submit), tasks.poll(delivery.poll)

    def _is_applied(self, process: Process, outbox: Outbox, plan: Run, lease: Lease) -> bool:
        try:
            apply_plan(outbox.ledger, plan, lease)
        except LeaseLost:
            raise
        except OutboxError as error:
            process.tell(f"may not apply: {error}", counted="plans refused")
            return False
        process.tell("applies its plan", counted="plans applied")
        return True

    async def settle(self, process: Process, deadline_seconds: float, lost: Collection[str] = ()) -> None:
        """Sweep up what is open, and give up what is lost."""
        async with self._arm(process) as arm:
            try:
                await sweep(
                    self._outbox(process),
                    arm,
                    api_url=API_URL,
                    options=self._options(deadline_seconds),
                    open_too_long_seconds=GHOST_HORIZON_SECONDS,
                    lost=lost,
                    random=self._random(process),
                )
            except StopTheRun as error:
                process.tell(f"stops: {error}")

    def _outbox(self, process: Process) -> Outbox:
        return process.outbox(self._disk, self._now)

    def _random(self, process: Process) -> Random:
        return Random(f"{process.name} {self._scenario.seed}")

    def _run(self, outbox: Outbox, run_id: str, job: Job, parent: str | None, *, is_dry: bool = False) -> Run:
        with suppress(UnknownRun):
            return find_run(outbox.ledger, run_id)
        above = find_run(outbox.ledger, parent) if parent else None
        return create_run(
            outbox.ledger,
            run_id=run_id,
            api_url=API_URL,
            client_no=CLIENT_NO,
            mode=job.mode,
            user_id="ola",
            source=job.name,
            request=rerun_request(above) if above else self._request(job, is_dry=is_dry),
            parent=above,
        )

    def _request(self, job: Job, *, is_dry: bool) -> UpdateRequest:
        source = self._source(job)
        _write(source, job)
        return UpdateRequest(
            source=str(source),
            max_rejected="100%",
            changes_only=job.changes_only,
            batch_size=job.batch_size,
            max_body_bytes=4000,
            dry_run=is_dry,
        )

    def _source(self, job: Job) -> Path:
        return self._disk.folder / f"{job.name}.csv"

    async def _planned(self, process: Process, outbox: Outbox, run_id: str, job: Job, lease: Lease) -> Run:
        run = find_run(outbox.ledger, run_id)
        if run.planned_at is None and run.parent_run_id is None:
            self._rewrite(job, run_id)
            await process.plan(partial(plan, outbox, run, lease, rejects_folder=self._disk.rejects))
        elif run.planned_at is None:
            plan_rerun(outbox, run, lease, only="all")
            self._judge.rerun_planned(outbox, run)
        return find_run(outbox.ledger, run_id)

    def _rewrite(self, job: Job, run_id: str) -> None:
        """Replace the file of a run whose planning was interrupted, where a seed wants that."""
        people = self._scenario.rewritten.get(job.name)
        if people and self._judge.records.plan(run_id):
            rewritten = replace(job, people=people)
            _write(self._source(job), rewritten)
            self._judge.rewritten(rewritten)

    def _arm(self, process: Process) -> ArmClient:
        tokens: TokenProvider = FixedToken(SecretStr(TOKEN))
        if self._scenario.logs_in:
            secret = SecretStr(CLIENT_SECRET)
            tokens = ClientCredentials(
                IDENTITY_URL,
                CLIENT_ID,
                secret,
                transport=process.wire,
                now=self._now,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        return ArmClient(API_URL, tokens, transport=process.wire, timeout_seconds=TIMEOUT_SECONDS, now=self._now)

    def _options(self, deadline_seconds: float) -> DeliveryOptions:
        return DeliveryOptions(
            concurrency=self._scenario.concurrency,
            max_tries=self._scenario.max_tries,
            deadline_seconds=deadline_seconds,
            poll_first_seconds=1.0,
            poll_max_seconds=60.0,
            not_found_grace_seconds=30.0,
            ghost_horizon_seconds=GHOST_HORIZON_SECONDS,
            lease_seconds=LEASE_SECONDS,
            stop_grace_seconds=STOP_GRACE_SECONDS,
            most_refusals=self._scenario.most_refusals,
        )


def _write(source: Path, job: Job) -> None:
    with source.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows([f"no number {place}", *_COLUMNS[1:]] for place in range(job.misfits))
        writer.writerows(map(_row, job.people.values()))


def _row(person: Person) -> list[str]:
    kind = person.get("distribution", {}).get("type", "")
    cells = person | person.get("postalAddress", {}) | {"distributionType": kind}
    return [cells.get(column, "") for column in _COLUMNS]

"""What the processes do: what the flows do with the engine, without Prefect."""

import csv
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

from pydantic import SecretStr

from armrest.api import ArmClient, ClientCredentials, FixedToken, StopTheRun, TokenProvider
from armrest.delivery import Delivery, DeliveryOptions, finish, hold_lease, send_and_poll_slices, sweep
from armrest.outbox import Lease, LeaseLost, Outbox, OutboxError, Run, UnknownRun, UpdateRequest, create_run, find_run
from armrest.outbox.bodies import BodyStore
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

    async def carry(self, process: Process, job: Job, life: Life, parent: str | None) -> None:
        """Carry a run from wherever it stands: a file's, or the rerun of a parent."""
        outbox = self._outbox(process)
        run = self._run(outbox, process.run_id, job, parent)
        async with hold_lease(
            outbox.ledger,
            api_url=API_URL,
            client_no=CLIENT_NO,
            run_id=run.run_id,
            seconds=LEASE_SECONDS,
            wait_seconds=life.wait_seconds,
        ) as lease:
            run, stopped = self._planned(outbox, run.run_id, lease), ""
            options, random = self._options(life.deadline_seconds), self._random(process)
            try:
                async with (
                    self._arm(process) as arm,
                    Delivery(outbox, arm, run, lease, options, random=random) as delivery,
                ):
                    await send_and_poll_slices(
                        range(1, run.slices + 1),
                        submit=delivery.submit,
                        poll=delivery.poll,
                        concurrency=options.concurrency,
                    )
                    if delivery.seconds_left() > 0:
                        self._judge.carried_through(process)
            except LeaseLost:
                raise
            except (StopTheRun, OutboxError) as error:
                process.tell(f"stops: {error}")
                stopped = str(error)
            finish(outbox, run, lease, stopped=stopped)

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
        return Outbox(process.ledger(self._disk.engine, self._now), BodyStore(str(self._disk.bodies)))

    def _random(self, process: Process) -> Random:
        return Random(f"{process.name} {self._scenario.seed}")

    def _run(self, outbox: Outbox, run_id: str, job: Job, parent: str | None) -> Run:
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
            request=rerun_request(above) if above else self._request(job),
            parent=above,
        )

    def _request(self, job: Job) -> UpdateRequest:
        source = self._disk.folder / f"{job.name}.csv"
        _write(source, job)
        return UpdateRequest(
            source=str(source),
            max_rejected="100%",
            changes_only=job.changes_only,
            batch_size=job.batch_size,
            max_body_bytes=4000,
        )

    def _planned(self, outbox: Outbox, run_id: str, lease: Lease) -> Run:
        run = find_run(outbox.ledger, run_id)
        if run.planned_at is None and run.parent_run_id is None:
            plan(outbox, run, lease, rejects_folder=self._disk.rejects)
        elif run.planned_at is None:
            plan_rerun(outbox, run, lease, only="all")
            self._judge.rerun_planned(outbox, run)
        return find_run(outbox.ledger, run_id)

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

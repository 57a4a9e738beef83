"""A run's shards are asked for once, whatever becomes of the process that asks; on a real Prefect server."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import update

from armrest.outbox import (
    LeaseHeld,
    Run,
    Shard,
    State,
    assert_free,
    create_run,
    find_run,
    join_lease,
    release_lease,
    shards_of,
    take_lease,
)
from armrest.outbox.ledger import batches
from flows.cli.prefect_env import QUIET
from flows.steps.dispatch_shards import DEPLOYMENT, MOST_ATTEMPTS
from tasks.open_workspace import use_workspace
from tests import patient_http
from tests.conftest import CLIENT_NO, plain_environment
from tests.flows.history import patiently
from tests.flows.own_server import OwnServer, own_server
from tests.plans import planning, update_of
from tests.prefect_databases import PrefectDatabases

pytestmark = [pytest.mark.xdist_group("prefect-flows"), pytest.mark.usefixtures("set_up")]

ROOT: Final = Path(__file__).parents[3]
LEASE_SECONDS: Final = 5


@pytest.fixture
def run(set_up: None, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of ten slices, to be sent by two workers."""
    settings["ARMREST_LEASE_SECONDS"] = str(LEASE_SECONDS)
    monkeypatch.setenv("ARMREST_LEASE_SECONDS", str(LEASE_SECONDS))
    with use_workspace() as here:
        ledger, run_id = here.outbox.ledger, f"run-{time.time_ns()}"
        run = create_run(
            ledger,
            run_id=run_id,
            api_url=settings["ARMREST_API_URL"],
            client_no=CLIENT_NO,
            mode="update",
            user_id="ola",
            source="c.csv",
            request=update_of(shards=2),
        )
        with planning(here.outbox, run, batch_size=1, max_body_bytes=100_000) as writer:
            writer.add([{"customerNo": str(number), "name": "Kari"} for number in range(10)])
            writer.complete()
        return find_run(ledger, run_id)


@pytest.fixture
def asked(prefect_server: Mapping[str, str], run: Run) -> Callable[[], dict[str, list[int]]]:
    """What Prefect was asked for, and nobody works on: each flow run's first slice and attempt."""
    address = prefect_server["PREFECT_API_URL"]
    flow, name = DEPLOYMENT.split("/")
    if patient_http.get(f"{address}/deployments/name/{DEPLOYMENT}").status_code == httpx.codes.NOT_FOUND:
        flow_id = posted(f"{address}/flows/", {"name": flow}).json()["id"]
        posted(f"{address}/deployments/", {"name": name, "flow_id": flow_id})

    def ask() -> dict[str, list[int]]:
        question: dict[str, Any] = {"flows": {"name": {"any_": [flow]}}}
        found = posted(f"{address}/flow_runs/filter", question).json()
        mine = [one for one in found if one["parameters"]["run_id"] == run.run_id]
        return {one["id"]: [one["parameters"]["first_slice"], one["parameters"]["attempt"]] for one in mine}

    return ask


@dataclass(frozen=True)
class Prefect:
    """Does what earlier parents and their workers did, over the server's API."""

    address: str

    def create(self, run: Run, shard: Shard) -> str:
        slices = {"first_slice": shard.first_slice, "last_slice": shard.last_slice, "attempt": shard.attempt}
        body = {
            "parameters": {"run_id": run.run_id, **slices},
            "idempotency_key": f"{run.run_id}-{shard.name}-{shard.attempt}",
        }
        deployment = patient_http.get(f"{self.address}/deployments/name/{DEPLOYMENT}").raise_for_status().json()["id"]
        address = f"{self.address}/deployments/{deployment}/create_flow_run"
        return str(posted(address, body).json()["id"])

    def put(self, flow_run_id: str, name: str) -> None:
        kind = dict.fromkeys(("Unsettled", "Stopped", "RefusedByArm"), "FAILED").get(name, name.upper())
        body = {"state": {"type": kind, "name": name, "message": "before the ledger was restored"}, "force": True}
        address = f"{self.address}/flow_runs/{flow_run_id}/set_state"
        assert posted(address, body).json()["status"] == "ACCEPT"


@pytest.fixture
def prefect(prefect_server: Mapping[str, str]) -> Prefect:
    return Prefect(prefect_server["PREFECT_API_URL"])


@pytest.fixture
def parent(settings: Mapping[str, str], prefect_server: Mapping[str, str], run: Run) -> Callable[[], Any]:
    """Starts a process that hands the run's shards out, and watches over them for so many seconds."""

    @contextmanager
    def start(seconds: int) -> Iterator["subprocess.Popen[bytes]"]:
        environment = plain_environment() | QUIET | dict(settings) | dict(prefect_server)
        command = [sys.executable, "-m", "tests.tasks.parent", run.run_id, str(seconds)]
        with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
            yield process

    return start


@pytest.mark.long
def test_a_parent_that_is_carried_on_finds_the_shards_that_were_asked_for_and_takes_away_those_that_were_begun(
    run: Run, asked: Callable[[], dict[str, list[int]]], parent: Callable[[], Any]
) -> None:
    with use_workspace() as here:
        ledger = here.outbox.ledger
        with parent(seconds=300) as killed:
            until(lambda: len(asked()) == 2)
            killed.kill()
        with pytest.raises(LeaseHeld):  # its workers may be at work: only time takes the client from them
            assert_free(ledger, run)
        by_the_first = asked()

        with parent(seconds=1) as second:
            assert second.wait(300) == 0
        by_the_second = asked()

        lease = take_lease(ledger, api_url=run.api_url, client_no=run.client_no, run_id=run.run_id, seconds=60)
        join_lease(ledger, run, shards_of(run, 2)[0], seconds=60)
        release_lease(ledger, lease)
        with parent(seconds=1) as third:
            assert third.wait(300) == 0

    assert sorted(by_the_first.values()) == [[1, 1], [6, 1]]
    assert by_the_second == by_the_first
    assert by_the_first.items() <= asked().items()
    assert sorted(asked().values()) == [[1, 1], [1, 2], [6, 1]]


@pytest.mark.long
def test_what_prefect_knows_of_attempts_that_a_restored_ledger_does_not_know_counts_for_nothing(
    run: Run, asked: Callable[[], dict[str, list[int]]], parent: Callable[[], Any], prefect: Prefect
) -> None:
    ended = ["Unsettled", "Stopped", "RefusedByArm", "Crashed", "Completed", "Failed"]
    assert len(ended) > MOST_ATTEMPTS
    for shard in shards_of(run, 2):
        for attempt, name in enumerate(ended, start=1):
            prefect.put(prefect.create(run, replace(shard, attempt=attempt)), name)
    next_attempt = len(ended) + 1

    with parent(seconds=300) as process:
        until(lambda: len(asked()) == 2 * next_attempt or process.poll() is not None)
        by_the_parent = {which: made for which, made in asked().items() if made[1] == next_attempt}
        for flow_run_id in by_the_parent:
            prefect.put(flow_run_id, "Running")  # and its worker is dead: the ledger has never heard of it
        until(lambda: len(asked()) == 2 * next_attempt + 2 or process.poll() is not None)
        process.kill()

    assert sorted(by_the_parent.values()) == [[1, next_attempt], [6, next_attempt]]
    assert sorted(made for made in asked().values() if made[1] > next_attempt) == [[1, 8], [6, 8]]


@pytest.fixture
def server(prefect_databases: PrefectDatabases, tmp_path: Path) -> Iterator[OwnServer]:
    with own_server(tmp_path / "prefect", prefect_databases) as server:
        yield server


@pytest.mark.long
@pytest.mark.prefect
def test_a_parent_outlives_its_server_and_the_ledger_tells_it_that_its_workers_are_done(
    run: Run, settings: Mapping[str, str], server: OwnServer
) -> None:
    flow, name = DEPLOYMENT.split("/")
    flow_id = posted(f"{server.address}/flows/", {"name": flow}).json()["id"]
    posted(f"{server.address}/deployments/", {"name": name, "flow_id": flow_id})
    hasty = {"ARMREST_PREFECT_SECONDS": "1", "PREFECT_CLIENT_MAX_RETRIES": "0"}
    environment = plain_environment() | QUIET | dict(settings) | server.environment | hasty
    command = [sys.executable, "-m", "tests.tasks.parent", run.run_id, "300"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process, use_workspace() as here:
        try:
            until(lambda: len(posted(f"{server.address}/flow_runs/filter", {}).json()) == 2)
            server.kill()
            with pytest.raises(subprocess.TimeoutExpired):  # it would end at its first question
                process.wait(10)
            with here.outbox.ledger.write() as tx:  # as workers leave it that go on without the server
                tx.execute(update(batches).where(batches.c.run_seq == run.seq).values(state=State.SETTLED))
            assert process.wait(60) == 0
        finally:
            process.kill()


def posted(url: str, body: dict[str, Any]) -> httpx.Response:
    """The answer of a server, asked until it is not busy."""
    return patiently(partial(patient_http.post, url, json=body)).raise_for_status()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)

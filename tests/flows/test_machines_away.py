"""A worker, or Prefect's server, goes down in mid-run and comes back: it needs nobody, and nothing is sent twice."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from armrest.outbox import Outbox, Run, State, batches_in, find_run, summaries
from armrest.sandbox import Fault, SandboxServer
from deployments.automations import waiting_automations
from tests import patient_http
from tests.conftest import CLIENT_NO, customers, plain_environment
from tests.flows.history import History
from tests.flows.own_server import OwnServer, own_server
from tests.kills.workspace import books_after, received
from tests.machines import FAST, IMPATIENT, Machines, deploy, holders, until
from tests.prefect_databases import PrefectDatabases

pytestmark = [pytest.mark.xdist_group("prefect-away"), pytest.mark.long, pytest.mark.timeout(900)]

LEASE_SECONDS: Final = 3
SWEEP: Final = "settle-open-batches/every-10-minutes"


@pytest.fixture
def server(prefect_databases: PrefectDatabases, tmp_path: Path) -> Iterator[OwnServer]:
    with own_server(tmp_path / "prefect", prefect_databases) as server:
        yield server


@pytest.fixture
def machines(server: OwnServer, settings: Mapping[str, str], tmp_path: Path) -> Iterator[Machines]:
    """No machine yet."""
    deploy(server.environment)
    own = {
        "ARMREST_INBOX": str(tmp_path),
        "ARMREST_LEASE_SECONDS": str(LEASE_SECONDS),
        "ARMREST_PREFECT_SECONDS": "2",
        "ARMREST_LEDGER_URL": f"sqlite:///{settings['ARMREST_HOME']}/ledger.db",
        "ARMREST_STORE_URL": f"{settings['ARMREST_HOME']}/bodies",
    }
    environment = plain_environment() | server.environment | dict(settings) | own | FAST
    with Machines(server.address, environment, tmp_path) as machines:
        yield machines


def sweep_when_a_worker_starts(server: OwnServer) -> None:
    """Create the automation of `make deploy` that does it."""
    sweep = patient_http.get(f"{server.address}/deployments/name/{SWEEP}").raise_for_status().json()["id"]
    _, returned = waiting_automations(UUID(sweep), late_seconds=300, lease_seconds=LEASE_SECONDS)
    body = returned.model_dump(mode="json", exclude={"owner_resource"})
    patient_http.post(f"{server.address}/automations/", json=body).raise_for_status()


def test_a_run_that_a_reboot_stopped_is_carried_on_by_the_first_sweep_after_it(
    server: OwnServer, machines: Machines, arm: SandboxServer, tmp_path: Path
) -> None:
    sweep_when_a_worker_starts(server)
    source = tmp_path / "customers.csv"
    source.write_text(customers(300))
    arm.behaviour.slow_seconds = 0.5
    arm.behaviour.faults = {Fault.SLOW: 1.0}
    machine = machines.start_worker(limit=2)
    flow_run_id = machines.ask_for("update-customers/manual", source=source.name, client_no=CLIENT_NO, batch_size=5)
    until(lambda: len(arm.records.batches()) >= 10)

    machines.kill(machine)
    server.kill()
    arm.behaviour.faults = {}
    with machines.outbox() as outbox:
        [left] = summaries(outbox.ledger)
        run = find_run(outbox.ledger, left.run_id)
        before, unsent = acknowledged(outbox, run), batches_in(outbox.ledger, run, [State.PLANNED])
        server.start()
        machines.start_worker(limit=2)
        until(lambda: find_run(outbox.ledger, run.run_id).state == "Completed")
        after = acknowledged(outbox, run)
    [resume] = machines.flow_runs("resume-run")
    first = machines.state_of(flow_run_id)

    assert (left.state, bool(before), bool(unsent)) == ("Sending", True, True)
    assert resume["parameters"] == {"run_id": run.run_id, "wait": "2m", "by_itself": True}
    assert (first["type"], first["name"]) == ("FAILED", "Stopped"), "it is no longer Running, and not Unsettled"
    assert re.match(r"\d+ batches not sent", first["message"])
    assert arm.records.customers(CLIENT_NO) == books_after(source)
    assert before.items() <= after.items()
    assert all(received(arm.records)[body] == 1 for body in before.values())


def test_a_run_of_a_deployment_ends_by_the_ledger_while_the_server_is_away_and_the_sweep_tells_prefect(
    server: OwnServer, machines: Machines, arm: SandboxServer, tmp_path: Path
) -> None:
    source = tmp_path / "customers.csv"
    source.write_text(customers(200))
    arm.behaviour.slow_seconds = 0.5
    arm.behaviour.faults = {Fault.SLOW: 1.0}
    machines.start_worker(limit=2)
    update = {"source": source.name, "client_no": CLIENT_NO, "batch_size": 5}
    flow_run_id = machines.ask_for("update-customers/manual", job_variables=IMPATIENT, **update)
    until(lambda: len(arm.records.batches()) >= 10)

    server.kill()
    arm.behaviour.faults = {}
    with machines.outbox() as outbox:
        until(lambda: summaries(outbox.ledger)[0].ended)
        until(lambda: holders(outbox.ledger) == [None], seconds=5)
        [run] = summaries(outbox.ledger)
    server.start()
    sweep = machines.ask_for(SWEEP)
    until(lambda: machines.state_of(sweep)["type"] == "COMPLETED")
    state = machines.state_of(flow_run_id)
    question = {"artifacts": {"key": {"any_": [f"arm-run-{CLIENT_NO}"]}}}
    [artifact] = History(server.address).ask("artifacts/latest/filter", question)

    assert (run.state, run.message) == ("Completed", "200 of 200 customers updated")
    assert (state["type"], state["message"]) == ("COMPLETED", run.message)
    assert artifact["flow_run_id"] == flow_run_id
    assert artifact["data"].startswith(f"# Completed: client {CLIENT_NO}")
    assert arm.records.customers(CLIENT_NO) == books_after(source)
    assert set(received(arm.records).values()) == {1}


def acknowledged(outbox: Outbox, run: Run) -> dict[str, str]:
    """Each batchUuid that the ledger knows, and its body."""
    known = batches_in(outbox.ledger, run, list(State))
    return {batch.batch_uuid: batch.body.sha256.hex() for batch in known if batch.batch_uuid}

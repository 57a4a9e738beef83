"""Prefect's server goes down while several workers send a run: the ledger ends it, and the sweep tells Prefect."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from armrest.outbox import find_run, has_begun, shards_of, summaries
from armrest.sandbox import Fault, SandboxServer
from tests.conftest import CLIENT_NO, customers
from tests.flows.history import History
from tests.flows.own_server import OwnServer, own_server
from tests.kills.workspace import books_after, received
from tests.machines import IMPATIENT, Machines, deploy, holders, until
from tests.prefect_databases import PrefectDatabases

pytestmark = [pytest.mark.xdist_group("prefect-flows"), pytest.mark.timeout(400)]


@pytest.fixture
def server(prefect_databases: PrefectDatabases, tmp_path: Path) -> Iterator[OwnServer]:
    with own_server(tmp_path / "prefect", prefect_databases) as server:
        yield server


def test_a_sharded_run_ends_by_the_ledger_while_the_server_is_away_and_the_sweep_tells_prefect(
    server: OwnServer, surroundings: dict[str, str], arm: SandboxServer, tmp_path: Path
) -> None:
    deploy(server.environment)
    source = tmp_path / "customers.csv"
    source.write_text(customers(300))
    arm.behaviour.slow_seconds = 0.5
    arm.behaviour.faults = {Fault.SLOW: 1.0}
    environment = surroundings | server.environment | {"ARMREST_PREFECT_SECONDS": "2"}
    with Machines(server.address, environment, tmp_path) as machines, machines.outbox() as outbox:
        machines.start_worker(limit=4)
        update = {"source": str(source), "client_no": CLIENT_NO, "batch_size": 5, "shards": 2, "deadline": "5m"}
        flow_run_id = machines.ask_for("update-customers/manual", job_variables=IMPATIENT, **update)
        [left] = until(lambda: [one for one in summaries(outbox.ledger) if one.state == "Sending"])
        run = find_run(outbox.ledger, left.run_id)
        until(lambda: all(has_begun(outbox.ledger, run, shard) for shard in shards_of(run, 2)))

        server.kill()
        arm.behaviour.faults = {}
        until(lambda: find_run(outbox.ledger, run.run_id).ended_at)
        until(lambda: holders(outbox.ledger) == [None], seconds=5)
        ended = find_run(outbox.ledger, run.run_id)
        server.start()
        sweep = machines.ask_for("settle-open-batches/every-10-minutes")
        until(lambda: machines.state_of(sweep)["type"] == "COMPLETED")
        state, shards = machines.state_of(flow_run_id), machines.flow_runs("submit-slices")
    question = {"artifacts": {"key": {"any_": [f"arm-run-{CLIENT_NO}"]}}}
    [artifact] = History(server.address).ask("artifacts/latest/filter", question)

    assert (ended.state, ended.message) == ("Completed", "300 of 300 customers updated")
    assert (state["type"], state["message"]) == ("COMPLETED", ended.message)
    assert artifact["data"].startswith(f"# Completed: client {CLIENT_NO}")
    assert artifact["flow_run_id"] == flow_run_id
    assert len(shards) == 2, "no worker was replaced"
    assert arm.records.customers(CLIENT_NO) == books_after(source)
    assert set(received(arm.records).values()) == {1}

"""Prefect is the window: whatever happens to its server, the ledger carries the run, and the command tells it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from armrest.outbox import Outbox, lease_holders, summaries
from armrest.sandbox import Behaviour, Fault, SandboxServer
from flows.cli.prefect_env import QUIET
from tests.conftest import CLIENT_NO, Ended, Shell, plain_environment
from tests.flows.history import History
from tests.flows.host_process import ROOT
from tests.flows.own_server import OwnServer, own_server
from tests.prefect_databases import PrefectDatabases

pytestmark = [pytest.mark.xdist_group("prefect-away"), pytest.mark.long]

SLOW = Behaviour(faults={Fault.SLOW: 1.0}, slow_seconds=1.0)
SOON_SECONDS = 30
"""From the end of a run in the ledger to the end of its command, on a busy machine."""


@pytest.fixture
def server(prefect_databases: PrefectDatabases, tmp_path: Path) -> Iterator[OwnServer]:
    with own_server(tmp_path / "prefect", prefect_databases) as server:
        yield server


@pytest.fixture
def away_shell(settings: Mapping[str, str], server: OwnServer, tmp_path: Path) -> Shell:
    return Shell(tmp_path, {**settings, **server.environment, "ARMREST_PREFECT_SECONDS": "2"})


@pytest.fixture
def outbox(settings: Mapping[str, str]) -> Iterator[Outbox]:
    Path(settings["ARMREST_HOME"]).mkdir(mode=0o700)
    with Outbox.open(f"sqlite:///{settings['ARMREST_HOME']}/ledger.db", "memory://") as outbox:
        yield outbox


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


@pytest.mark.parametrize("returns", ["as it was", "empty"])
def test_a_server_that_is_gone_costs_neither_the_run_nor_its_result_and_the_sweep_tells_it_later(
    server: OwnServer,
    away_shell: Shell,
    outbox: Outbox,
    arm: SandboxServer,
    file: Callable[..., str],
    returns: str,
) -> None:
    arm.behaviour.update(SLOW)
    update = ("update-customers", file(300), "--client-no", str(CLIENT_NO), "--batch-size", "10", "--json")
    with away_shell.start(*update) as command:
        until(arm.records.batches)
        server.kill()
        until(lambda: summaries(outbox.ledger)[0].ended)
        ended_at = time.monotonic()
        until(lambda: not lease_holders(outbox.ledger), seconds=5)
        out, err = command.communicate(timeout=400)
        took = time.monotonic() - ended_at
    ended = Ended(command.wait(), out, err)
    [run] = summaries(outbox.ledger)
    if returns == "empty":
        server.empty()
    server.start()
    sweep(away_shell)
    history = History(server.address)

    assert (ended.exit_code, ended.json["state"], ended.json["customers"]["settled"]) == (0, "Completed", 300)
    [untold] = [line for line in err.splitlines() if "could not be told" in line]
    assert untold.startswith(f"Prefect could not be told how run {run.run_id} ended (ConnectError): the next settle-")
    assert took < SOON_SECONDS
    [artifact] = history.ask("artifacts/latest/filter", {"artifacts": {"key": {"any_": [f"arm-run-{CLIENT_NO}"]}}})
    assert f"`{run.run_id}`" in artifact["data"]
    assert artifact["data"].startswith(f"# Completed: client {CLIENT_NO}")
    if returns == "empty":
        assert artifact["flow_run_id"] is None
    else:
        assert artifact["flow_run_id"] == run.flow_run_ids[0]
        assert history.flow_run(run.flow_run_ids[0])["state"]["name"] == "Completed"


def sweep(shell: Shell) -> None:
    """Run the flow `settle-open-batches`, as its schedule does."""
    order = {"flow": "settle-open-batches", "variables": {}, "parameters": {}}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.flows.host"],
        cwd=ROOT,
        env=plain_environment() | QUIET | shell.variables,
        input=json.dumps(order) + "\n",
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert json.loads(ended.stdout)["name"] == "Completed"

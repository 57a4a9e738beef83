"""`make up` and `make down`, for real: on ports of its own, in a folder of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deployments.local_server import is_taken
from deployments.local_stack import LocalStack
from deployments.work_pools import clients_of
from tests.conftest import CLIENT_NO, Ended, plain_environment
from tests.ports import two_free_ports

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Up:
    """Something brought up, and how that was told."""

    place: LocalStack
    told: Ended

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the server; where its database is busy, it says 503, and wants to be asked again."""
        url = f"{self.place.ui}/api/{path}"
        for _ in range(5):
            answer = httpx.get(url, timeout=30) if body is None else httpx.post(url, json=body, timeout=30)
            if answer.status_code != 503:
                break
            time.sleep(1)
        return answer.raise_for_status().json()

    def run(self, deployment: str, **parameters: object) -> dict[str, Any]:
        """Start a run as the UI does, and see it to its end."""
        found = self.ask(f"deployments/name/{deployment}")
        run = self.ask(f"deployments/{found['id']}/create_flow_run", {"parameters": parameters})
        until = time.monotonic() + 90
        while run["state"]["type"] not in {"COMPLETED", "FAILED", "CRASHED"}:
            assert time.monotonic() < until, run["state"]
            time.sleep(0.5)
            run = self.ask(f"flow_runs/{run['id']}")
        return dict(run)


def make(what: str, place: LocalStack) -> Ended:
    port = ["--port", str(place.port)] if what == "up" else []
    ended = subprocess.run(
        [sys.executable, "-m", f"deployments.{what}", "--home", str(place.home), *port],
        cwd=ROOT,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def processes_of(place: LocalStack) -> list[psutil.Process]:
    return [psutil.Process(one["pid"]) for one in json.loads(place.pids.read_text())]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    place = LocalStack(tmp_path_factory.mktemp("up"), two_free_ports())
    try:
        yield Up(place, make("up", place))
    finally:
        make("down", place)


def test_it_says_where_it_is(up: Up) -> None:
    assert up.told.exit_code == 0, up.told.err
    assert up.told.out.startswith(f"Started: {up.place.ui}\n")


def test_all_of_it_listens_on_loopback_only(up: Up) -> None:
    ours = {up.place.port, up.place.sandbox_port}
    listening = [one.laddr for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN and one.laddr]

    assert {at.ip for at in listening if at.port in ours} == {"127.0.0.1"}
    assert {at.port for at in listening} >= ours


def test_the_nightly_has_a_next_run(up: Up) -> None:
    nightly = up.ask("deployments/name/update-customers/nightly")
    until = time.monotonic() + 90
    while not (runs := up.ask("flow_runs/filter", {"deployments": {"id": {"any_": [nightly["id"]]}}})):
        assert time.monotonic() < until
        time.sleep(0.5)

    assert {run["state"]["name"] for run in runs} == {"Scheduled"}
    assert runs[0]["parameters"]["client_no"] == CLIENT_NO


def test_the_connection_that_is_there_leads_to_the_stand_in(up: Up) -> None:
    connection = up.ask("block_types/slug/arm-connection/block_documents/name/sandbox")["data"]

    assert connection["api_url"] == f"{up.place.sandbox}/arm/v1"
    assert connection["environment"] == "sandbox"
    assert connection["clients"] == [CLIENT_NO]
    assert set(connection["token"]) == {"*"}


@pytest.mark.parametrize("slug", ["arm-connection", "sql-source"])
def test_every_block_can_be_made_in_the_ui(up: Up, slug: str) -> None:
    assert up.ask(f"block_types/slug/{slug}")["slug"] == slug


def test_runs_may_touch_the_sample_s_client_only(up: Up) -> None:
    template = up.ask("work_pools/armrest")["base_job_template"]
    mistyped = up.run("update-customers/manual", source="customers.csv", client_no=2299)

    assert clients_of(template) == str(CLIENT_NO)
    assert mistyped["state"]["type"] == "FAILED"
    assert "client 2299 is not in the list of ARMREST_CLIENTS: 2218" in mistyped["state"]["message"]


def test_a_form_reads_the_inbox_and_no_other_file_of_the_machine(up: Up) -> None:
    run = up.run("update-customers/manual", source="/etc/passwd", client_no=CLIENT_NO)

    assert run["state"]["name"] == "InputRejected"
    assert "the inbox holds customers.csv" in run["state"]["message"]


def test_up_again_says_that_it_is_up(up: Up) -> None:
    again = make("up", up.place)

    assert again.exit_code == 0
    assert again.out.startswith(f"Already running: {up.place.ui}\n")


def test_another_port_is_refused_while_it_is_up(up: Up) -> None:
    refused = make("up", LocalStack(up.place.home, up.place.port + 10))

    assert refused.exit_code == 2
    assert refused.complaint.startswith(f"armrest: it already runs on port {up.place.port}")


def test_a_taken_port_is_named_with_who_has_it(up: Up, tmp_path: Path) -> None:
    refused = make("up", LocalStack(tmp_path, up.place.port))

    assert refused.exit_code == 2
    assert refused.complaint.startswith(f"armrest: port {up.place.port} is taken by python")
    assert "make up PORT=" in refused.complaint
    assert not list(tmp_path.iterdir())


def automations_for(place: LocalStack, recipients: str) -> str:
    """Do the step of `make deploy` that creates the automations; return what it says."""
    words = "import asyncio; from deployments.automations import create_automations as c; print(asyncio.run(c()))"
    ended = subprocess.run(
        [sys.executable, "-c", words],
        cwd=ROOT,
        env=place.environment() | plain_environment() | {"ARMREST_NOTIFY_BLOCK": recipients},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout


def test_who_is_limited_to_clients_is_told_of_their_nights_until_the_setting_is_gone(up: Up) -> None:
    limited = automations_for(up.place, "custom-webhook/armrest-notify:2219+2218")
    groups = up.ask("deployments/name/report-night/every-morning")["parameters"]["groups"]
    gone = automations_for(up.place, "")

    assert "off, except for the night of some clients: name a block without clients" in limited
    assert groups == [[2218, 2219]]
    assert "removed, of an earlier version or setting: arm: tell how the night of 2218+2219 went" in gone
    assert up.ask("deployments/name/report-night/every-morning")["parameters"]["groups"] == []


def test_what_was_run_is_there_after_down_and_up(up: Up) -> None:
    """The last of these tests: it ends what the others use, and starts it again."""
    run = up.run("update-customers/manual", source="customers.csv", client_no=CLIENT_NO)
    assert run["state"]["name"] == "PartlyFailed", "there is something to mend"
    assert "3 customers refused" in run["state"]["message"]
    assert run["name"] == f"{CLIENT_NO} · customers.csv"
    alive = processes_of(up.place)

    down = make("down", up.place)
    assert down.out.startswith("Stopped: worker, sandbox, server.")
    assert not any(one.is_running() for one in alive)
    assert not is_taken(up.place.port)

    assert make("down", up.place).out == "Nothing was running\n"
    assert make("up", up.place).exit_code == 0
    assert up.ask(f"flow_runs/{run['id']}")["state"]["name"] == "PartlyFailed"

"""What version 0.1.0 has left behind, under a Prefect server of today."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from armrest.outbox import Outbox
from armrest.sandbox import SandboxServer
from flows.cli.prefect_env import DEFAULTS, QUIET
from tests.conftest import plain_environment
from tests.flows.conftest import FlowEnded
from tests.flows.history import History
from tests.migrated_home import await_server, server_command
from tests.ports import free_port
from tests.upgrade.unpack import Case, unpack

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Upgraded:
    """An installation of 0.1.0 after the upgrade: its runs, ARM, Prefect, and a process that runs today's flows."""

    root: Path
    cases: dict[str, Case]
    arm: SandboxServer
    environment: dict[str, str]
    history: History
    host: "subprocess.Popen[str]"

    def flow(self, name: str, *, retry: str | None = None, **parameters: object) -> FlowEnded:
        """Run a flow of today; `retry=` goes on with a flow run."""
        what = {"parameters": parameters} if retry is None else {"retry": retry}
        assert self.host.stdin
        assert self.host.stdout
        self.host.stdin.write(json.dumps({"flow": name, "variables": {}, **what}) + "\n")
        self.host.stdin.flush()
        return FlowEnded(**json.loads(self.host.stdout.readline()))

    def task_states(self, flow_run_id: str, *, number: int) -> dict[str, str]:
        """Return the states of a flow run's task runs by name, once the server has written all of them down."""
        return {run["name"]: run["state_name"] for run in self.history.task_runs(flow_run_id, number=number)}

    def python(self, code: str) -> Any:
        """Run a program with today's code; return what it prints, as JSON."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def outbox(self) -> Iterator[Outbox]:
        """The ledger and the bodies."""
        with Outbox.open(f"sqlite:///{self.root}/home/ledger.db", str(self.root / "home" / "bodies")) as outbox:
            yield outbox


@pytest.fixture(scope="package")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    root = tmp_path_factory.mktemp("upgraded")
    port = free_port()
    with SandboxServer(seed=1) as arm:
        cases = unpack(root, arm)
        environment = {
            **plain_environment(),
            **DEFAULTS,
            **QUIET,
            "PYTHONPATH": str(PROJECT),
            "PREFECT_HOME": str(root / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "ARMREST_HOME": str(root / "home"),
            "ARMREST_API_URL": arm.api_url,
            "ARMREST_TOKEN": arm.token,
            "ARMREST_USER_ID": "ola.nordmann",
            "ARMREST_POLL_FIRST_SECONDS": "0.1",
        }
        with _server(root, port, environment), _host(root, environment) as host:
            yield Upgraded(root, cases, arm, environment, History(environment["PREFECT_API_URL"]), host)


@contextmanager
def _server(root: Path, port: int, environment: dict[str, str]) -> Iterator[None]:
    """A Prefect server of today on the database of then, which it migrates."""
    alone = {name: value for name, value in environment.items() if name != "PREFECT_API_URL"}
    with (root / "server.log").open("w") as log:
        server = subprocess.Popen(server_command(port), env=alone, cwd=root, stdout=log, stderr=log)
    try:
        await_server(server, environment["PREFECT_API_URL"])
        yield
    finally:
        server.terminate()
        server.wait(timeout=30)


@contextmanager
def _host(root: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    command, pipe = [sys.executable, "-m", "tests.flows.host"], subprocess.PIPE
    with subprocess.Popen(command, cwd=root, env=environment, stdin=pipe, stdout=pipe, text=True) as host:
        yield host
        assert host.stdin
        host.stdin.close()

"""Flows in a process of their own, against a real Prefect server."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.cli.prefect_env import DEFAULTS, QUIET
from tests.conftest import plain_environment
from tests.flows.history import History

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class FlowEnded:
    """The state in which a flow run ended."""

    flow_run_id: str
    name: str
    message: str


RunFlow = Callable[..., FlowEnded]


@pytest.fixture(scope="session")
def host(prefect_server: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.flows.host"],
        cwd=ROOT,
        env=plain_environment() | DEFAULTS | QUIET | prefect_server,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def run_flow(host: "subprocess.Popen[str]", settings: Mapping[str, str]) -> RunFlow:
    """Runs a flow by its name: `run_flow("resume-run", run_id=…)`; `retry=` goes on with a flow run.

    `deployed=True` runs it as the form of a deployment would.
    """

    def run(flow: str, *, retry: str | None = None, deployed: bool = False, **parameters: object) -> FlowEnded:
        what = {"parameters": parameters, "deployed": deployed} if retry is None else {"retry": retry}
        assert host.stdin
        assert host.stdout
        host.stdin.write(json.dumps({"flow": flow, "variables": dict(settings), **what}) + "\n")
        host.stdin.flush()
        return FlowEnded(**json.loads(host.stdout.readline()))

    return run


@pytest.fixture
def history(prefect_server: Mapping[str, str]) -> History:
    """What the Prefect server remembers."""
    return History(prefect_server["PREFECT_API_URL"])

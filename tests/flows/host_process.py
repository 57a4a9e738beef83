"""The process of `tests/flows/host.py`, as a test uses it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.cli.prefect_env import DEFAULTS, QUIET
from tests.conftest import plain_environment

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class FlowEnded:
    """The state in which a flow run ended."""

    flow_run_id: str
    name: str
    message: str


class Host:
    """Runs flows one after the other, without the start of a process for each."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(
        self,
        flow: str,
        variables: Mapping[str, str],
        *,
        retry: str | None = None,
        deployed: bool = False,
        **parameters: object,
    ) -> FlowEnded:
        """Run a flow by its name; see `tests/flows/host.py`."""
        what = {"parameters": parameters, "deployed": deployed} if retry is None else {"retry": retry}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"flow": flow, "variables": dict(variables), **what}) + "\n")
        self._process.stdin.flush()
        return FlowEnded(**json.loads(self._process.stdout.readline()))


@contextmanager
def host_process(server: Mapping[str, str]) -> Iterator[Host]:
    """Start the process; `server` is the environment that leads to a Prefect server."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.flows.host"],
        cwd=ROOT,
        env=plain_environment() | DEFAULTS | QUIET | server,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Host(process)
        assert process.stdin
        process.stdin.close()

"""Prefect workers as processes, each a machine that can be switched off, and what a person does from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx
import psutil
from sqlalchemy import select

from armrest.outbox import Ledger, Outbox
from armrest.outbox.ledger import clients
from tests import patient_http
from tests.conftest import plain_environment

ROOT: Final = Path(__file__).parents[1]
FAST: Final = {
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_WORKER_PREFETCH_SECONDS": "1",
    "PREFECT_LOGGING_LEVEL": "WARNING",
}

IMPATIENT: Final = {"env": {"PREFECT_CLIENT_MAX_RETRIES": "0"}}
"""Job variables of a flow run whose client gives up at the first failure: any outage outlasts its patience."""


def deploy(server: Mapping[str, str]) -> None:
    """Create a work pool with every deployment.

    Args:
        server: The environment that leads to the Prefect server.
    """
    for words in (("work-pool", "create", "armrest", "--type", "process", "--overwrite"), ("deploy", "--all")):
        command = [sys.executable, "-m", "prefect", "--no-prompt", *words]
        environment = plain_environment() | dict(server)
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=600)


@dataclass
class Machines:
    """Workers of one pool, and what a person does from outside."""

    address: str
    environment: dict[str, str]
    folder: Path
    _running: ExitStack = field(default_factory=ExitStack)
    _started: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def start_worker(self, *, limit: int) -> "subprocess.Popen[bytes]":
        """Start a machine that works on this many flow runs at once; it is stopped at the end of the test."""
        self._started += 1
        log = self._running.enter_context((self.folder / f"worker-{self._started}.log").open("w"))
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "armrest", "--limit", str(limit)]
        worker = subprocess.Popen(
            [*command, "--name", f"machine-{self._started}"],
            cwd=ROOT,
            env=self.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._running.callback(self.kill, worker)
        return worker

    @classmethod
    def kill(cls, worker: "subprocess.Popen[bytes]") -> None:
        """Switch a machine off: the worker and all that it runs, without a word."""
        if worker.poll() is None:
            cls.signal(worker, signal.SIGKILL)
            worker.wait(30)

    @staticmethod
    def signal(worker: "subprocess.Popen[bytes]", what: signal.Signals) -> None:
        """Send a signal to a machine: to the worker and all that it runs."""
        machine = psutil.Process(worker.pid)
        for process in [*machine.children(recursive=True), machine]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(what)

    def ask_for(self, deployment: str, job_variables: Mapping[str, Any] | None = None, **parameters: Any) -> str:
        """Have a deployment run; return the flow run's id."""
        found = patient_http.get(f"{self.address}/deployments/name/{deployment}").raise_for_status().json()
        asked = {"parameters": parameters, "state": {"type": "SCHEDULED"}, "job_variables": job_variables}
        address = f"{self.address}/deployments/{found['id']}/create_flow_run"
        while (made := patient_http.post(address, json=asked)).status_code == httpx.codes.SERVICE_UNAVAILABLE:
            time.sleep(1)  # the server's own database is busy
        return str(made.raise_for_status().json()["id"])

    def kill_flow_run(self, flow_run_id: str) -> None:
        """Kill the process of one flow run; its machine goes on."""
        flow_run = patient_http.get(f"{self.address}/flow_runs/{flow_run_id}").raise_for_status().json()
        os.kill(int(flow_run["infrastructure_pid"].rpartition(":")[2]), signal.SIGKILL)

    def cancel(self, flow_run_id: str) -> None:
        """Do what a person does in the UI: press Cancel."""
        body = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        patient_http.post(f"{self.address}/flow_runs/{flow_run_id}/set_state", json=body).raise_for_status()

    def at_work(self) -> int:
        """How many machines the pool knows."""
        asked = patient_http.post(f"{self.address}/work_pools/armrest/workers/filter", json={})
        return len(asked.raise_for_status().json())

    def flow_runs(self, flow: str) -> list[dict[str, Any]]:
        """All runs of a flow, the oldest first."""
        asked = {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_ASC"}
        answer = patient_http.post(f"{self.address}/flow_runs/filter", json=asked)
        return list(answer.raise_for_status().json())

    def state_of(self, flow_run_id: str) -> dict[str, Any]:
        """The state of a flow run."""
        return dict(patient_http.get(f"{self.address}/flow_runs/{flow_run_id}").raise_for_status().json()["state"])

    def outbox(self) -> Outbox:
        """The outbox that all machines work on."""
        return Outbox.open(self.environment["ARMREST_LEDGER_URL"], self.environment["ARMREST_STORE_URL"])


def holders(ledger: Ledger) -> list[str | None]:
    """Return who has the lease of each client, even if it has lapsed; None: it was released."""
    with ledger.read() as tx:
        return list(tx.execute(select(clients.c.holder_run_id)).scalars())


def until(condition: Callable[[], Any], seconds: float = 300) -> Any:
    """Wait until something is so, and return it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s; load {os.getloadavg()[0]:.1f}"
        time.sleep(0.1)
    return found

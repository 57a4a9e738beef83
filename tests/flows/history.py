"""What Prefect's server remembers of a flow run, as its own UI would ask for it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests import patient_http

BUSY = 503
"""What the server says while its SQLite is locked; its own clients ask again, too."""

FINAL: Final = frozenset({"COMPLETED", "FAILED", "CRASHED"})


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask until the server is not busy any more."""
    until = time.monotonic() + 300
    while (answer := ask()).status_code == BUSY and time.monotonic() < until:
        time.sleep(0.2)
    return answer


@dataclass(frozen=True)
class History:
    """Reads a Prefect server over its API."""

    address: str

    def artifacts(self, flow_run_id: str) -> dict[str, Any]:
        """The data of a flow run's artifacts by key; a table as its rows."""
        found = self.ask("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run_id]}}})
        keys = [artifact["key"] for artifact in found]
        assert len(keys) == len(set(keys)), "an artifact of a run is renewed, not made again"
        return {one["key"]: json.loads(one["data"]) if one["type"] == "table" else one["data"] for one in found}

    def flow_run(self, flow_run_id: str) -> Any:
        return patient_http.get(f"{self.address}/flow_runs/{flow_run_id}").json()

    def task_runs(self, flow_run_id: str, *, number: int) -> list[dict[str, Any]]:
        """Return the task runs of a flow run once the server has recorded the ends of at least `number` of them."""
        question = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
        until = time.monotonic() + 60
        while True:
            task_runs: list[dict[str, Any]] = self.ask("task_runs/filter", question)
            if len(task_runs) >= number and all(one["state_type"] in FINAL for one in task_runs):
                return task_runs
            assert time.monotonic() < until, [(one["name"], one["state_name"]) for one in task_runs]
            time.sleep(0.2)

    def ask(self, path: str, question: dict[str, Any]) -> Any:
        answer = patiently(lambda: patient_http.post(f"{self.address}/{path}", json=question))
        answer.raise_for_status()
        return answer.json()

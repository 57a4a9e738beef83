"""What Prefect's server remembers of a flow run, as its own UI would ask for it."""

import json
from dataclasses import dataclass
from typing import Any

import httpx


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
        return httpx.get(f"{self.address}/flow_runs/{flow_run_id}").json()

    def everything(self, flow_run_id: str) -> str:
        """All that is kept of a flow run, as one text."""
        this = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
        logs = {"logs": {"flow_run_id": {"any_": [flow_run_id]}}}
        kept = [self.flow_run(flow_run_id), self.artifacts(flow_run_id)]
        kept += [self.ask(f"{kind}/filter", this) for kind in ("task_runs", "flow_runs", "flows")]
        return json.dumps([*kept, self.ask("logs/filter", logs)], ensure_ascii=False)

    def ask(self, path: str, question: dict[str, Any]) -> Any:
        answer = httpx.post(f"{self.address}/{path}", json=question)
        answer.raise_for_status()
        return answer.json()

"""Blocks on Prefect's server, as its own UI would keep them."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import httpx

REGISTER = ("block", "register", "-m", "tasks.arm_connection")


def registered(environment: dict[str, str], *words: str) -> None:
    """Do what is done once, when Prefect is set up."""
    command = [sys.executable, "-m", "prefect", *(words or REGISTER)]
    subprocess.run(command, env=environment, check=True, capture_output=True)


@dataclass(frozen=True)
class Connections:
    """Keeps connections under their names; those of an earlier test are replaced."""

    address: str

    def keep(self, name: str, **data: Any) -> None:
        kind, schema = self._kind(), self._schema()
        old = httpx.get(f"{self.address}/block_types/slug/arm-connection/block_documents/name/{name}")
        if old.status_code == 200:
            httpx.delete(f"{self.address}/block_documents/{old.json()['id']}").raise_for_status()
        document = {"name": name, "data": data, "block_type_id": kind["id"], "block_schema_id": schema["id"]}
        httpx.post(f"{self.address}/block_documents/", json=document).raise_for_status()

    def _kind(self) -> Any:
        return httpx.get(f"{self.address}/block_types/slug/arm-connection").raise_for_status().json()

    def _schema(self) -> Any:
        question = {"block_schemas": {"block_type_id": {"any_": [self._kind()["id"]]}}}
        return httpx.post(f"{self.address}/block_schemas/filter", json=question).raise_for_status().json()[0]

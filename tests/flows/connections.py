"""Blocks on Prefect's server, as its own UI would keep them."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests import patient_http
from tests.flows.history import patiently

REGISTER = ("block", "register", "-m", "tasks.blocks")


def registered(environment: dict[str, str]) -> None:
    """Do what is done once, when Prefect is set up."""
    subprocess.run([sys.executable, "-m", "prefect", *REGISTER], env=environment, check=True, capture_output=True)


@dataclass(frozen=True)
class Connections:
    """Keeps blocks of a kind under their names; those of an earlier test are replaced."""

    address: str
    slug: str = "arm-connection"

    def keep(self, name: str, /, **data: Any) -> None:
        kind, schema = self._kind(), self._schema()
        old = patient_http.get(f"{self.address}/block_types/slug/{self.slug}/block_documents/name/{name}")
        if old.status_code == 200:
            address = f"{self.address}/block_documents/{old.json()['id']}"
            patiently(lambda: patient_http.delete(address)).raise_for_status()
        document = {"name": name, "data": data, "block_type_id": kind["id"], "block_schema_id": schema["id"]}
        patiently(lambda: patient_http.post(f"{self.address}/block_documents/", json=document)).raise_for_status()

    def _kind(self) -> Any:
        return patient_http.get(f"{self.address}/block_types/slug/{self.slug}").raise_for_status().json()

    def _schema(self) -> Any:
        question = {"block_schemas": {"block_type_id": {"any_": [self._kind()["id"]]}}}
        return patient_http.post(f"{self.address}/block_schemas/filter", json=question).raise_for_status().json()[0]

"""A run of ten million customers has ten thousand batches, and its table of them is renewed like any other."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import plain_environment
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect-flows")

ROOT = Path(__file__).parents[2]
BATCHES = 10_000
RENEWED = """
import asyncio, sys
from uuid import UUID
from prefect.client.orchestration import get_client
from flows.artifacts.store import Artifacts

async def main(flow_run_id, batches):
    async with get_client() as client:
        artifacts = Artifacts(client, UUID(flow_run_id))
        for status in ("ACCEPTED", "SETTLED"):
            row = {"batchUuid": "b" * 22, "status": status, "message": "m" * 150}
            await artifacts.table("arm-batches-2218", [{"seq": seq, **row} for seq in range(batches)], "of run 1")

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def test_a_table_of_two_megabytes_is_renewed(prefect_server: Mapping[str, str], history: History) -> None:
    flow_run_id = str(uuid4())
    command = [sys.executable, "-c", RENEWED, flow_run_id, str(BATCHES)]

    subprocess.run(command, cwd=ROOT, env=plain_environment() | prefect_server, check=True, timeout=120)

    rows = history.artifacts(flow_run_id)["arm-batches-2218"]
    assert len(json.dumps(rows)) > 2_000_000
    assert {row["status"] for row in rows} == {"SETTLED"}
    assert len(rows) == BATCHES

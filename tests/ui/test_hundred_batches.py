"""A run of a hundred batches, as Prefect sees it: nothing is missing, neither while it goes on nor afterwards."""

import json

import pytest

from tests.ui.browser import Ui
from tests.ui.conftest import Up

pytestmark = pytest.mark.xdist_group("ui")

BATCHES = 100
CLIENT_NO = 2300


def test_of_a_hundred_batches_prefect_misses_none(ui: Ui, up: Up) -> None:
    up.write("hundred.csv", BATCHES * 10, first=CLIENT_NO * 1000)
    up.behave(delay_seconds=3600)
    run = ui.start("update-customers/manual", source="hundred.csv", client_no=CLIENT_NO, batch_size=10)

    ui.until(lambda: len(uuids(ui, run)) == BATCHES)

    assert ui.run(run)["state_type"] == "RUNNING"
    up.work_through()
    ended = ui.ended(run)
    assert ended["state_name"] == "Completed"
    told = up.armrest("show", run)
    assert uuids(ui, run) == set(told["batch_uuids"])
    assert ended["state"]["message"] == told["message"]
    ui.until(lambda: ui.ask("task_runs/count", of(run)) == 2 * BATCHES + 1)


def uuids(ui: Ui, run: str) -> set[str]:
    """Return the batchUuids in the newest table of a run's batches."""
    newest = ui.ask(
        "artifacts/filter",
        of(run) | {"artifacts": {"key": {"any_": [f"arm-batches-{CLIENT_NO}"]}}, "sort": "CREATED_DESC"},
    )
    rows = json.loads(newest[0]["data"]) if newest else []
    return {row["batchUuid"] for row in rows if row["batchUuid"]}


def of(run: str) -> dict[str, object]:
    """A filter: only what belongs to a flow run."""
    return {"flow_runs": {"id": {"any_": [run]}}}

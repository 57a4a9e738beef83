"""A run is the materialization of an asset, with its source upstream; a frame that was handed over is one."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import armrest
from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO
from tests.facade.conftest import customers
from tests.flows.conftest import RunFlow
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect-flows")

SUCCEEDED = "prefect.asset.materialization.succeeded"


def materializations(history: History, flow_run_id: str) -> list[dict[str, Any]]:
    """The events of a flow run; the server writes them a moment after it has received them."""
    question = {"filter": {"event": {"name": [SUCCEEDED]}, "any_resource": {"id": [f"prefect.flow-run.{flow_run_id}"]}}}
    until = time.monotonic() + 60
    while not (events := history.ask("events/filter", question)["events"]) and time.monotonic() < until:
        time.sleep(0.5)
    return list(events)


def test_a_deployment_sends_a_frame_that_was_handed_over(
    run_flow: RunFlow, history: History, settings: Mapping[str, str], arm: SandboxServer
) -> None:
    source = armrest.connect(home=settings["ARMREST_HOME"]).hand_over(customers(3), name="crm")

    state = run_flow("update-customers", deployed=True, source=source, client_no=CLIENT_NO)

    assert (state.name, state.message) == ("Completed", "3 of 3 customers updated")
    flow_run = history.flow_run(state.flow_run_id)
    assert flow_run["name"] == "2218 · crm"
    assert "Kunde" not in str(flow_run)
    (event,) = materializations(history, state.flow_run_id)
    assert event["resource"]["prefect.resource.id"] == "arm://2218/customers"
    assert event["payload"] == {**event["payload"], "state": "Completed", "updated": 3, "failed": 0, "open": 0}
    upstream = [one["prefect.resource.id"] for one in event["related"] if one["prefect.resource.role"] == "asset"]
    assert upstream == ["frame://crm"]


def test_a_file_is_the_source_upstream(run_flow: RunFlow, history: History, file: Callable[..., str]) -> None:
    source = file(2)

    state = run_flow("update-customers", source=source, client_no=CLIENT_NO)

    (event,) = materializations(history, state.flow_run_id)
    assert f"file://{source}" in [one["prefect.resource.id"] for one in event["related"]]

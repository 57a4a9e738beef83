"""The automation for killed runs waits for no run that has ended, even if a heartbeat arrives after Prefect's event."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from deployments.automations import recovery_automations
from flows.artifacts import ENDED
from tests.flows.automations import automations
from tests.flows.history import History, patiently
from tests.flows.test_notices import Server

pytestmark = pytest.mark.xdist_group("prefect-flows")

WITHIN: Final = timedelta(seconds=20)
"""Prefect allows ten seconds; a busy machine may need as long between two events."""
HEARTBEAT: Final = "prefect.flow-run.heartbeat"


@pytest.fixture
def server(prefect_server: Mapping[str, str]) -> Server:
    return Server(prefect_server["PREFECT_API_URL"])


def emit(server: Server, flow_run_id: str, event: str) -> None:
    """Emit an event as the process of a flow run does."""
    url = f"{server.address}/events"
    patiently(partial(httpx.post, url, json=[_event(event, flow_run_id)], timeout=60)).raise_for_status()


def _event(event: str, flow_run_id: str) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": event,
        "resource": {"prefect.resource.id": f"prefect.flow-run.{flow_run_id}"},
        "related": [{"prefect.resource.id": "prefect.tag.arm", "prefect.resource.role": "tag"}],
        "payload": {},
    }


def acted_on(history: History, automation_id: str) -> str:
    """What the automation did so far, as text."""
    asked: dict[str, Any] = {"filter": {"event": {"prefix": ["prefect.automation.action"]}}, "limit": 50}
    events = history.ask("events/filter", asked)["events"]
    return str([event for event in events if automation_id in str(event)])


def test_a_late_heartbeat_of_a_quick_run_is_no_sign_of_a_kill(server: Server, history: History) -> None:
    killed, _ = recovery_automations(UUID(int=1))
    trigger = killed.trigger.model_copy(update={"within": WITHIN})
    automation = killed.model_copy(update={"trigger": trigger, "name": "a test's: killed"})
    with automations(server.address, [automation]) as [automation_id]:
        time.sleep(1)  # the server's triggers learn of it
        quick, killed_run = server.flow_run("quick"), server.flow_run("killed")
        for flow_run in (quick, killed_run):
            server.put(flow_run, "RUNNING")
        server.put(quick, "COMPLETED")
        time.sleep(2)  # Prefect's event of the end is there before the heartbeat
        emit(server, quick, HEARTBEAT)
        time.sleep(1)  # Prefect 3.8's server handles two events side by side, and forgets an end before its heartbeat
        emit(server, quick, ENDED)
        emit(server, killed_run, HEARTBEAT)

        until = time.monotonic() + 120
        while killed_run not in (acted := acted_on(history, automation_id)) and time.monotonic() < until:
            time.sleep(0.5)

    assert killed_run in acted, "a run that is silent is found"
    assert quick not in acted

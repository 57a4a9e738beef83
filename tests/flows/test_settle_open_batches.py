"""The flows that look after what was: open batches, and personal data that nobody needs any more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO, SENT_BY
from tests.flows.conftest import FlowEnded, RunFlow
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]


@pytest.fixture
def late(run_flow: RunFlow, file: Write, arm: SandboxServer) -> FlowEnded:
    """A flow run that ended at its deadline; ARM is done by now, and has refused a customer."""
    arm.behaviour.refuse_customers = frozenset({"10003"})
    arm.behaviour.delay_seconds = 3600
    ended = run_flow("update-customers", source=file(20), client_no=CLIENT_NO, batch_size=10, deadline=SENT_BY)
    arm.behaviour.delay_seconds = 0
    arm.records.drain()
    return ended


def test_refusals_that_come_late_change_the_state_to_the_outcome_of_the_run(
    run_flow: RunFlow, history: History, late: FlowEnded
) -> None:
    ended = run_flow("settle-open-batches")

    state = history.flow_run(late.flow_run_id)["state"]
    assert late.name == "Unsettled"
    assert (ended.name, ended.message) == (
        "Completed",
        "asked about 2 batches: 1 finished by ARM, 1 with refusals, 0 still open",
    )
    assert (state["type"], state["name"]) == ("FAILED", "PartlyFailed")
    [text] = history.artifacts(ended.flow_run_id).values()
    assert f"| {CLIENT_NO} | PartlyFailed |" in text


def test_a_batch_that_is_open_for_too_long_is_a_state_that_an_automation_can_watch(
    run_flow: RunFlow, file: Write, arm: SandboxServer, settings: dict[str, str]
) -> None:
    arm.behaviour.delay_seconds = 3600
    run_flow("update-customers", source=file(5), client_no=CLIENT_NO, deadline=SENT_BY)
    settings["ARMREST_OPEN_TOO_LONG_SECONDS"] = "0.1"

    ended = run_flow("settle-open-batches")

    settings["ARMREST_OPEN_TOO_LONG_SECONDS"] = "86400"
    lost = run_flow("settle-open-batches", lost_after="0.1s")
    assert (ended.name, lost.name) == ("OpenTooLong", "Completed")
    assert lost.message.endswith("1 declared lost")


def test_purge_is_a_flow_too(run_flow: RunFlow, settings: dict[str, str], file: Write) -> None:
    run_flow("update-customers", source=file(5), client_no=CLIENT_NO)

    young, old = run_flow("purge"), run_flow("purge", older_than="0s")

    assert young.message.startswith("bodies: 0")
    assert (old.name, old.message.startswith("bodies: 1")) == ("Completed", True)
    assert list((Path(settings["ARMREST_HOME"]) / "bodies").rglob("*.bodies")) == []

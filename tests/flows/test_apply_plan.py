"""A dry run in a deployment shows its plan, and `apply-plan` sends that, byte for byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.outbox import Outbox, State, batches_in, find_run
from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO
from tests.flows.conftest import RunFlow
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]


@pytest.fixture
def planned(run_flow: RunFlow, file: Write) -> str:
    """The id of the flow run that planned 25 customers."""
    source = file(25)
    ended = run_flow("update-customers", source=source, client_no=CLIENT_NO, batch_size=10, dry_run=True)
    assert ended.message == "dry run: 3 batches planned, nothing sent"
    Path(source).unlink()
    return ended.flow_run_id


def test_a_dry_run_leaves_its_plan_as_an_artifact(planned: str, history: History, arm: SandboxServer) -> None:
    told = history.artifacts(planned)["arm-plan-2218"]

    assert told.startswith("# Plan: client 2218")
    assert "| would be sent | 25 in 3 batches" in told
    assert "armrest apply" in told
    assert "Kunde" not in told
    assert arm.records.batches() == []


def test_a_plan_is_sent_byte_for_byte_and_once(
    planned: str, run_flow: RunFlow, arm: SandboxServer, settings: dict[str, str]
) -> None:
    home = settings["ARMREST_HOME"]
    with Outbox.open(f"sqlite:///{home}/ledger.db", f"{home}/bodies") as outbox:
        run = find_run(outbox.ledger, planned)
        bodies = {outbox.bodies.read(batch.body) for batch in batches_in(outbox.ledger, run, [State.PLANNED])}

    applied = run_flow("apply-plan", plan_id=planned)
    again = run_flow("apply-plan", plan_id=planned)

    assert (applied.name, applied.message) == ("Completed", "25 of 25 customers updated")
    assert {batch.body for batch in arm.records.batches()} == bodies
    assert again.name == "Refused"
    assert len(arm.records.batches()) == 3


def test_a_plan_that_newer_data_has_overtaken_is_not_sent(
    planned: str, run_flow: RunFlow, file: Write, arm: SandboxServer
) -> None:
    run_flow("update-customers", source=file("customerNo,name\n10001,Newer\n"), client_no=CLIENT_NO)

    assert run_flow("apply-plan", plan_id=planned).name == "Refused"
    assert len(arm.records.batches()) == 1

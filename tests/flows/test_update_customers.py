"""The flows end to end: states, artifacts, retries."""

from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO
from tests.flows.conftest import RunFlow
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]


@pytest.fixture
def updated(run_flow: RunFlow) -> RunFlow:
    """Runs `update-customers` on a file."""
    return lambda source, **parameters: run_flow("update-customers", source=source, client_no=CLIENT_NO, **parameters)


def test_a_completed_run_shows_every_batch_with_its_batch_uuid(
    updated: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    state = updated(file(25), batch_size=10)

    artifacts = history.artifacts(state.flow_run_id)
    assert (state.name, state.message) == ("Completed", "25 of 25 customers updated")
    assert {row["batchUuid"] for row in artifacts["arm-batches-2218"]} == {b.batch_uuid for b in arm.records.batches()}
    assert [row["customers"] for row in artifacts["arm-batches-2218"]] == [10, 10, 5]
    assert artifacts["arm-progress-2218"] == 100
    assert artifacts["arm-failed-customers-2218"] == []
    assert artifacts["arm-run-2218"].startswith("# Completed: client 2218")
    assert history.flow_run(state.flow_run_id)["name"] == "2218 · customers.csv"


def test_a_run_with_refusals_is_partly_failed_and_names_customers_and_the_rerun(
    updated: RunFlow, run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.refuse_customers = frozenset({"10003"})
    failed = updated(file(10))
    before = history.artifacts(failed.flow_run_id)["arm-run-2218"]
    arm.behaviour.refuse_customers = frozenset()
    healed = run_flow("rerun-failed-batches", run_id=failed.flow_run_id)

    artifacts = history.artifacts(failed.flow_run_id)
    assert failed.name == "PartlyFailed"
    assert [row["customerNo"] for row in artifacts["arm-failed-customers-2218"]] == ["10003"]
    assert "armrest rerun" in before
    assert "armrest rerun" not in artifacts["arm-run-2218"], "there is nothing left to send again"
    assert (healed.name, healed.message) == ("Completed", "1 of 1 customer updated")


def test_a_refused_input_is_a_state_of_its_own_with_the_reason(updated: RunFlow, history: History, file: Write) -> None:
    state = updated(file("customerNo\n1\n1\n"))

    assert state.name == "InputRejected"
    assert "rows 2 and 3" in state.message
    assert "rows 2 and 3" in history.artifacts(state.flow_run_id)["arm-run-2218"]


def test_a_dry_run_leaves_its_plan_and_sends_nothing(
    updated: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    state = updated(file(25), batch_size=10, dry_run=True)

    assert (state.name, state.message) == ("Completed", "dry run: 3 batches planned, nothing sent")
    assert len(history.artifacts(state.flow_run_id)["arm-batches-2218"]) == 3
    assert arm.records.batches() == []


def test_prefects_retry_of_a_flow_run_goes_on_with_the_same_logical_run(
    updated: RunFlow, run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.delay_seconds = 3600
    late = updated(file(20), batch_size=10, deadline="0.5s")
    arm.behaviour.delay_seconds = 0
    arm.records.drain()

    state = run_flow("update-customers", retry=late.flow_run_id)

    assert late.name in {"Unsettled", "Stopped"}, "a busy machine may not have sent all of it"
    assert state.name == "Completed"
    assert state.flow_run_id == late.flow_run_id
    assert len(arm.records.batches()) == 2
    assert len(history.artifacts(late.flow_run_id)["arm-batches-2218"]) == 2


def test_a_source_that_cannot_be_read_is_tried_again_then_failed_and_a_resume_plans_it(
    updated: RunFlow, run_flow: RunFlow, history: History, tmp_path: Path, arm: SandboxServer
) -> None:
    source = tmp_path / "customers.csv"
    source.symlink_to("/proc/self/mem")  # any read of its beginning is an input/output error

    failed = updated(str(source))
    source.unlink()
    source.write_text("customerNo,name\n10001,Kari\n")
    resumed = run_flow("resume-run", run_id=failed.flow_run_id)

    [chunk] = history.task_runs(failed.flow_run_id, number=1)
    assert failed.name == "Failed"
    assert "customers.csv: cannot be read at the moment (Input/output error); try again; " in failed.message
    assert "resume-run with run_id" in failed.message
    assert chunk["run_count"] == 3
    assert (resumed.name, resumed.message) == ("Completed", "1 of 1 customer updated")

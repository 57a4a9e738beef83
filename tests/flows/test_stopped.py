"""What a person stopped is resumed by a person only; what a machine stopped, by itself."""

from collections.abc import Callable, Iterator

import pytest

from armrest.outbox import Outbox, Run, StoppedBy, Unheld, find_run, update_run
from armrest.sandbox import SandboxServer
from tests import patient_http
from tests.conftest import CLIENT_NO
from tests.flows.conftest import FlowEnded, RunFlow
from tests.flows.history import History, patiently

pytestmark = pytest.mark.xdist_group("prefect-flows")


@pytest.fixture
def outbox(settings: dict[str, str]) -> Iterator[Outbox]:
    with Outbox.open(f"sqlite:///{settings['ARMREST_HOME']}/ledger.db", "memory://") as outbox:
        yield outbox


@pytest.fixture
def unsent(run_flow: RunFlow, file: Callable[..., str], settings: dict[str, str]) -> FlowEnded:
    """A run that is planned, and of which nothing was sent."""
    token, settings["ARMREST_TOKEN"] = settings["ARMREST_TOKEN"], "wrong"
    ended = run_flow("update-customers", source=file(20), client_no=CLIENT_NO, batch_size=10)
    settings["ARMREST_TOKEN"] = token
    assert ended.name == "Failed"
    return ended


@pytest.fixture
def killed(unsent: FlowEnded, outbox: Outbox) -> Run:
    """The same, as a process leaves it that was killed."""
    run = find_run(outbox.ledger, unsent.flow_run_id)
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), state="Sending", message="", ended_at=None)
    return run


def happens(history: History, flow_run_id: str, *states: str) -> None:
    """Have a flow run pass through states, as Prefect notes them."""
    for name in states:
        kind = {"AwaitingRetry": "SCHEDULED"}.get(name, name.upper())
        body = {"state": {"type": kind, "name": name}, "force": True}
        address = f"{history.address}/flow_runs/{flow_run_id}/set_state"
        patiently(lambda address=address, body=body: patient_http.post(address, json=body)).raise_for_status()  # type: ignore[misc]


@pytest.mark.parametrize(("by", "name"), [("person", "Completed"), ("unknown", "Stopped")])
def test_only_a_person_resumes_what_a_person_or_nobody_knows_who_stopped(
    run_flow: RunFlow, unsent: FlowEnded, outbox: Outbox, arm: SandboxServer, by: StoppedBy, name: str
) -> None:
    run = find_run(outbox.ledger, unsent.flow_run_id)
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), stopped_by=by)

    left = run_flow("resume-run", run_id=unsent.flow_run_id, by_itself=True)
    sent_by_itself = len(arm.records.batches())
    resumed = run_flow("resume-run", run_id=unsent.flow_run_id)

    assert (left.name, sent_by_itself) == (name, 0)
    assert left.message.startswith("not resumed: ")
    assert f"to continue it, start resume-run with run_id {unsent.flow_run_id}" in left.message
    assert (resumed.name, len(arm.records.batches())) == ("Completed", 2)
    assert find_run(outbox.ledger, unsent.flow_run_id).stopped_by is None


def test_what_a_machine_stopped_is_resumed_by_itself(
    run_flow: RunFlow, unsent: FlowEnded, outbox: Outbox, arm: SandboxServer
) -> None:
    run = find_run(outbox.ledger, unsent.flow_run_id)
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), stopped_by="machine")

    resumed = run_flow("resume-run", run_id=unsent.flow_run_id, by_itself=True)

    assert (resumed.name, len(arm.records.batches())) == ("Completed", 2)


def test_a_cancelled_run_whose_process_was_killed_is_known_by_the_history_of_its_states(
    run_flow: RunFlow, unsent: FlowEnded, killed: Run, history: History, arm: SandboxServer
) -> None:
    happens(history, unsent.flow_run_id, "Running", "Cancelling", "Crashed")

    left = run_flow("resume-run", run_id=unsent.flow_run_id, by_itself=True)
    happens(history, unsent.flow_run_id, "AwaitingRetry", "Pending", "Running", "Crashed")
    resumed = run_flow("resume-run", run_id=unsent.flow_run_id, by_itself=True)

    assert (left.name, left.message.split(":")[0]) == ("Completed", "not resumed")
    assert killed.stopped_by is None
    assert resumed.name == "Completed"
    assert resumed.message == "20 of 20 customers updated", "somebody has pressed Retry since: that cancel is over"
    assert len(arm.records.batches()) == 2


def test_a_resume_that_was_cancelled_counts_for_the_run_whose_first_crash_is_told_late(
    run_flow: RunFlow,
    unsent: FlowEnded,
    killed: Run,
    history: History,
    arm: SandboxServer,
    settings: dict[str, str],
    outbox: Outbox,
) -> None:
    token, settings["ARMREST_TOKEN"] = settings["ARMREST_TOKEN"], "wrong"
    resume = run_flow("resume-run", run_id=killed.run_id)
    settings["ARMREST_TOKEN"] = token
    update_run(outbox.ledger, killed, Unheld(outbox.ledger, killed), state="Sending", ended_at=None)
    happens(history, resume.flow_run_id, "Running", "Cancelling", "Cancelled")

    left = run_flow("resume-run", run_id=unsent.flow_run_id, by_itself=True)

    assert left.message.startswith("not resumed: a person stopped run")
    assert arm.records.batches() == []


def test_the_sweep_notes_that_a_run_was_cancelled_whose_process_was_killed(
    run_flow: RunFlow, unsent: FlowEnded, killed: Run, history: History, outbox: Outbox
) -> None:
    happens(history, unsent.flow_run_id, "Running", "Cancelling", "Cancelled")

    run_flow("settle-open-batches")

    after = find_run(outbox.ledger, killed.run_id)
    assert (after.state, after.stopped_by) == ("Failed", "person")
    assert after.message.startswith("stopped by a person; 2 batches not sent (20 customers)")

"""Nobody is left behind: what never began is started again, what a machine stopped goes on, nothing is sent twice."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from armrest.outbox import Outbox, Run, StoppedBy, Unheld, find_run, summary, update_run
from armrest.sandbox import SandboxServer
from deployments.automations import recovery_automations, waiting_automations
from flows.steps.left_behind import MOST_STARTS
from tests import patient_http
from tests.conftest import CLIENT_NO, Shell
from tests.flows.automations import automations
from tests.flows.conftest import FlowEnded, RunFlow
from tests.flows.history import History, patiently

pytestmark = [pytest.mark.xdist_group("prefect-flows"), pytest.mark.long]

LATE_SECONDS: Final = 10.0
"""The shortest time that Prefect allows to an automation that waits for an event."""


class Server:
    """Does over the API of Prefect's server what deployments, workers and forms do."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = patiently(lambda: patient_http.post(f"{self.address}/{path}", json=body)).raise_for_status()
        return answer.json() if answer.content else None

    def deployment(self, flow: str, name: str) -> str:
        flow_id = self.post("flows/", {"name": flow})["id"]
        body = {"name": name, "flow_id": flow_id, "tags": ["arm"], "enforce_parameter_schema": False}
        return str(self.post("deployments/", body)["id"])

    def flow_runs(self, flow: str) -> list[dict[str, Any]]:
        return list(self.post("flow_runs/filter", {"flows": {"name": {"any_": [flow]}}}))

    def flow_run(self, flow_run_id: str) -> Any:
        return patient_http.get(f"{self.address}/flow_runs/{flow_run_id}").raise_for_status().json()

    def put(self, flow_run_id: str, kind: str) -> None:
        self.post(f"flow_runs/{flow_run_id}/set_state", {"state": {"type": kind}, "force": True})


@pytest.fixture
def server(prefect_server: Mapping[str, str]) -> Server:
    return Server(prefect_server["PREFECT_API_URL"])


@pytest.fixture
def outbox(settings: dict[str, str]) -> Iterator[Outbox]:
    with Outbox.open(f"sqlite:///{settings['ARMREST_HOME']}/ledger.db", "memory://") as outbox:
        yield outbox


@pytest.fixture
def stopped(run_flow: RunFlow, file: Callable[..., str], settings: dict[str, str], server: Server) -> FlowEnded:
    """A run of a deployment of which nothing was sent, and which has ended."""
    server.deployment("resume-run", "carry-on-a-run")
    settings["ARMREST_LEASE_SECONDS"] = "1"
    settings["ARMREST_INBOX"] = str(Path(file(20)).parent)
    token, settings["ARMREST_TOKEN"] = settings["ARMREST_TOKEN"], "wrong"
    ended = run_flow("update-customers", source="customers.csv", client_no=CLIENT_NO, batch_size=10, deployed=True)
    settings["ARMREST_TOKEN"] = token
    assert ended.name == "Failed"
    return ended


def left(outbox: Outbox, flow_run_id: str, **values: Any) -> Run:
    """Leave a run as something has stopped it."""
    run = find_run(outbox.ledger, flow_run_id)
    update_run(outbox.ledger, run, Unheld(outbox.ledger, run), **values)
    time.sleep(1)  # the lease's length: a run that is younger may be about to take its lease
    return run


KILLED: dict[str, Any] = {"state": "Sending", "message": "", "ended_at": None, "stopped_by": None}


def resumes(server: Server, run: Run) -> list[dict[str, Any]]:
    parameters = [flow_run["parameters"] for flow_run in server.flow_runs("resume-run")]
    return [given for given in parameters if given["run_id"] == run.run_id and given["wait"] == "2m"]


def is_waiting_resume(flow_run: dict[str, Any], run: Run) -> bool:
    return flow_run["parameters"]["run_id"] == run.run_id and flow_run["state"]["type"] == "SCHEDULED"


@pytest.mark.parametrize(
    "values", [KILLED, {"stopped_by": "machine"}, {"stopped_by": "unknown"}], ids=["killed", "machine", "unknown"]
)
def test_the_sweep_has_what_a_machine_stopped_resumed_once(
    run_flow: RunFlow,
    stopped: FlowEnded,
    outbox: Outbox,
    server: Server,
    arm: SandboxServer,
    values: dict[str, Any],
) -> None:
    run = left(outbox, stopped.flow_run_id, **values)

    run_flow("settle-open-batches")
    run_flow("settle-open-batches")
    after = find_run(outbox.ledger, run.run_id)
    [parameters] = resumes(server, run)
    resumed = run_flow("resume-run", run_id=run.run_id, by_itself=True)
    run_flow("settle-open-batches")

    assert (after.state, after.stopped_by) == ("Failed", "machine")
    assert parameters["by_itself"]
    assert (resumed.name, len(arm.records.batches())) == ("Completed", 2)
    assert len(resumes(server, run)) == 1


def test_a_resume_that_did_not_begin_is_started_again_by_the_next_sweeps_and_not_for_ever(
    run_flow: RunFlow, stopped: FlowEnded, outbox: Outbox, server: Server
) -> None:
    run = left(outbox, stopped.flow_run_id, **KILLED)

    for _ in range(MOST_STARTS + 1):
        run_flow("settle-open-batches")
        [begun] = [one for one in server.flow_runs("resume-run") if is_waiting_resume(one, run)] or [None]
        if begun is not None:
            server.put(begun["id"], "PENDING")
            server.put(begun["id"], "CRASHED")

    assert len(resumes(server, run)) == MOST_STARTS


@pytest.fixture
def crashed_late(run_flow: RunFlow, file: Callable[..., str], settings: dict[str, str], server: Server) -> FlowEnded:
    """A run that has completed, and that Prefect's engine ended afterwards: its slot was gone after an outage."""
    settings["ARMREST_INBOX"] = str(Path(file(20)).parent)
    ended = run_flow("update-customers", source="customers.csv", client_no=CLIENT_NO, batch_size=10, deployed=True)
    server.put(ended.flow_run_id, "CRASHED")
    return ended


def test_a_run_that_had_ended_before_its_flow_run_crashed_is_shown_as_it_ended_by_the_next_sweep(
    run_flow: RunFlow, crashed_late: FlowEnded, server: Server
) -> None:
    run_flow("settle-open-batches")

    state = server.flow_run(crashed_late.flow_run_id)["state"]
    assert (crashed_late.name, state["type"]) == ("Completed", "COMPLETED")
    assert state["message"] == crashed_late.message == "20 of 20 customers updated"


def test_an_update_of_one_customer_that_crashed_after_its_end_is_shown_as_it_ended_without_artifacts(
    run_flow: RunFlow, arm: SandboxServer, server: Server, history: History
) -> None:
    arm.records.load(CLIENT_NO, [{"customerNo": "10001", "name": "Kari", "phoneNo": "22222222"}])
    ended = run_flow("update-customer", client_no=CLIENT_NO, customer_no="10001", phoneNo="91234567", deployed=True)
    server.put(ended.flow_run_id, "CRASHED")

    run_flow("settle-open-batches")

    state = server.flow_run(ended.flow_run_id)["state"]
    assert (ended.name, state["type"], state["message"]) == ("Completed", "COMPLETED", "1 of 1 customer updated")
    assert history.artifacts(ended.flow_run_id) == {}


def test_it_is_not_resumed_and_the_resume_of_the_automation_shows_it_as_it_ended_at_once(
    run_flow: RunFlow, crashed_late: FlowEnded, outbox: Outbox, server: Server
) -> None:
    resume = run_flow("resume-run", run_id=crashed_late.flow_run_id, by_itself=True)

    run = summary(outbox.ledger, find_run(outbox.ledger, crashed_late.flow_run_id).run_id)
    assert resume.name == "Completed"
    assert resume.message == f"run {run.run_id} has ended as Completed: 20 of 20 customers updated; nothing was sent"
    assert run.flow_run_ids == [crashed_late.flow_run_id]
    assert server.flow_run(crashed_late.flow_run_id)["state"]["type"] == "COMPLETED"


@pytest.mark.parametrize("by", ["person", None])
def test_the_sweep_leaves_what_a_person_or_arm_has_stopped(
    run_flow: RunFlow, stopped: FlowEnded, outbox: Outbox, server: Server, by: StoppedBy | None
) -> None:
    run = left(outbox, stopped.flow_run_id, stopped_by=by)

    run_flow("settle-open-batches")

    assert resumes(server, run) == []
    assert find_run(outbox.ledger, run.run_id).stopped_by == by


def test_a_flow_run_that_never_began_is_started_again_and_its_process_sends_nothing_should_it_come_to_life(
    run_flow: RunFlow, stopped: FlowEnded, server: Server, history: History, arm: SandboxServer
) -> None:
    before = history.flow_run(stopped.flow_run_id)
    body = {"parameters": before["parameters"], "tags": ["arm"]}
    pending = server.post(f"deployments/{before['deployment_id']}/create_flow_run", body)["id"]
    server.put(pending, "PENDING")
    server.put(pending, "CRASHED")

    crashed = run_flow("resume-run", run_id=pending, by_itself=True)
    twice = run_flow("resume-run", run_id=pending, by_itself=True)
    [again] = [flow_run for flow_run in server.flow_runs("update-customers") if "started-again" in flow_run["tags"]]
    late = run_flow("update-customers", retry=pending)
    sent_late = len(arm.records.batches())
    replaced = run_flow("update-customers", retry=again["id"])

    assert crashed.message == f"flow run {pending} did not begin; it was started again as {again['id']}"
    assert twice.message == crashed.message
    assert again["parameters"] == before["parameters"]
    assert (late.name, sent_late) == ("Refused", 0)
    assert "another was started in its place; nothing was sent" in late.message
    assert (replaced.name, len(arm.records.batches())) == ("Completed", 2)


def test_a_flow_run_that_stays_pending_is_marked_crashed_and_handed_to_resume_run(server: Server) -> None:
    resume, sweep = (
        server.deployment("resume-run", "carry-on-a-run"),
        server.deployment("settle-open-batches", "every-10-minutes"),
    )
    update = server.deployment("update-customers", "by-hand")
    _, crashed = recovery_automations(UUID(resume))
    pending, returned = waiting_automations(UUID(sweep), late_seconds=LATE_SECONDS, lease_seconds=1)
    with automations(server.address, (crashed, pending, returned)):
        time.sleep(5)  # the server's triggers load new automations in the background
        body = {"parameters": {}, "tags": ["arm"], "state": {"type": "SCHEDULED"}}
        flow_run_id = server.post(f"deployments/{update}/create_flow_run", body)["id"]
        server.post(f"flow_runs/{flow_run_id}/set_state", {"state": {"type": "PENDING"}})
        server.post("events", [worker_started()])

        until(lambda: server.flow_run(flow_run_id)["state"]["type"] == "CRASHED")
        until(lambda: any(one["parameters"]["run_id"] == flow_run_id for one in server.flow_runs("resume-run")))
        until(lambda: server.flow_runs("settle-open-batches"))

    assert server.flow_run(flow_run_id)["state"]["message"].startswith("it did not begin within 10 s")


def test_doctor_names_a_flow_run_that_no_worker_takes(server: Server, prefect_shell: Shell) -> None:
    update = server.deployment("update-customers", "by-hand")
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    late = {"type": "SCHEDULED", "name": "Late", "state_details": {"scheduled_time": hour_ago}}
    body = {"parameters": {}, "tags": ["arm"], "name": "2218 · late.csv", "state": late}
    server.post(f"deployments/{update}/create_flow_run", body)

    findings = {
        one["name"]: one for one in prefect_shell("doctor", "--json", ARMREST_LATE_SECONDS="60").json["findings"]
    }

    assert findings["flow runs"]["verdict"] == "trouble"
    assert "late by more than 60 s: 2218 · late.csv (Late)" in findings["flow runs"]["said"]


def worker_started() -> dict[str, Any]:
    """The event that a worker emits when it starts (read in prefect/workers/base.py)."""
    return {
        "occurred": datetime.now(UTC).isoformat(),
        "event": "prefect.worker.started",
        "resource": {"prefect.resource.id": "prefect.worker.process.one", "prefect.resource.name": "one"},
        "related": [
            {
                "prefect.resource.role": "work-pool",
                "prefect.resource.id": f"prefect.work-pool.{uuid4()}",
                "prefect.resource.name": "armrest",
            }
        ],
        "id": str(uuid4()),
    }


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.5)

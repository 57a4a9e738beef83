"""A run that a person cancels stays cancelled, with the automations on; one that a machine stopped is resumed."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from armrest.outbox import Outbox, Run, find_run
from tests import patient_http
from tests.ui.conftest import Up

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(600)]

UPDATE: Final = "update-customers/manual"
ENDED: Final = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
CUSTOMERS: Final = 600
BATCH_SIZE: Final = 10
FIRST: Final = 4
"""Batches that ARM has accepted when the run is stopped: one alone, and some of the next."""
SLOW: Final = {"rate": 0.5}
"""ARM takes 60 batches in over two minutes: Prefect may need one to pass a person's cancel on."""


def ask(up: Up, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the Prefect server; where its database is busy, it says 503, and wants to be asked again."""
    url = f"{up.place.ui}/api/{path}"
    for _ in range(10):
        answer = httpx.get(url, timeout=30) if body is None else httpx.post(url, json=body, timeout=30)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(1)
    return answer.raise_for_status().json()


def start(up: Up, deployment: str, **parameters: object) -> str:
    deployment_id = ask(up, f"deployments/name/{deployment}")["id"]
    return str(ask(up, f"deployments/{deployment_id}/create_flow_run", {"parameters": parameters})["id"])


def flow_run(up: Up, flow_run_id: str) -> dict[str, Any]:
    return dict(ask(up, f"flow_runs/{flow_run_id}"))


def ended(up: Up, flow_run_id: str) -> dict[str, Any]:
    until(lambda: flow_run(up, flow_run_id)["state_type"] in ENDED)
    return flow_run(up, flow_run_id)


def resumes_of(up: Up, flow_run_id: str) -> list[dict[str, Any]]:
    """Return the runs of resume-run that the automation has started for a flow run."""
    found = ask(up, "flow_runs/filter", {"flows": {"name": {"any_": ["resume-run"]}}})
    return [one for one in found if one["parameters"]["run_id"] == flow_run_id]


def begin(up: Up, client_no: int) -> str:
    """Start a run that takes a while, and wait until ARM has accepted some of it."""
    up.write(f"{client_no}.csv", CUSTOMERS, first=numbers_of(client_no))
    up.behave(**SLOW)
    given = {"source": f"{client_no}.csv", "client_no": client_no, "batch_size": BATCH_SIZE}
    started = start(up, UPDATE, **given)
    until(lambda: accepted(up, client_no) >= FIRST or flow_run(up, started)["state_type"] in ENDED)
    assert accepted(up, client_no) >= FIRST, flow_run(up, started)["state"]["message"]
    return started


def numbers_of(client_no: int) -> int:
    """Return the first customer number of a client; two clients with the same numbers would be asked about."""
    return client_no * 1000


def accepted(up: Up, client_no: int) -> int:
    """Return how many batches of a client ARM has accepted."""
    stats = patient_http.get(f"{up.place.sandbox}/sandbox/stats").raise_for_status().json()
    return sum(batch["clientNo"] == client_no for batch in stats["batches"])


def run_of(up: Up, flow_run_id: str) -> Run:
    with Outbox.open(f"sqlite:///{up.place.home}/home/ledger.db", "memory://") as outbox:
        return find_run(outbox.ledger, flow_run_id)


def until(condition: Callable[[], object], seconds: float = 180, *, every: float = 0.5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(every)


def cancel(up: Up, flow_run_id: str) -> dict[str, Any]:
    """Do what a person does in the UI: press Cancel; return how the flow run ended."""
    ask(up, f"flow_runs/{flow_run_id}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    return ended(up, flow_run_id)


def summary_of(up: Up, flow_run_id: str, client_no: int) -> str:
    """Return the newest summary of a flow run."""
    of_run = {"flow_runs": {"id": {"any_": [flow_run_id]}}, "artifacts": {"key": {"any_": [f"arm-run-{client_no}"]}}}
    return str(ask(up, "artifacts/filter", of_run | {"sort": "CREATED_DESC"})[0]["data"])


def test_a_run_that_a_person_cancels_stays_cancelled_and_one_that_a_machine_stopped_is_resumed_by_itself(
    up: Up,
) -> None:
    cancelled = begin(up, 2231)
    end = cancel(up, cancelled)
    sent, run = accepted(up, 2231), run_of(up, cancelled)

    terminated = begin(up, 2232)
    os.kill(int(flow_run(up, terminated)["infrastructure_pid"].rpartition(":")[2]), signal.SIGTERM)
    until(lambda: run_of(up, terminated).stopped_by, every=0.1)  # until its resume begins, seconds later
    by_a_machine = run_of(up, terminated).stopped_by
    until(lambda: flow_run(up, terminated)["state_type"] == "CRASHED")
    up.behave()
    until(lambda: resumes_of(up, terminated))

    assert accepted(up, 2231) == sent, "the automation has undone a person's cancel"
    resumed = ended(up, resumes_of(up, terminated)[0]["id"])
    assert resumed["state_name"] == "Completed", resumed["state"]["message"]
    assert accepted(up, 2231) == sent, "the automation has undone a person's cancel"
    assert (run.stopped_by, by_a_machine) == ("person", "machine")
    assert end["state"]["name"] == "Cancelled"
    assert [one for one in resumes_of(up, cancelled) if not one["state"]["message"].startswith("not resumed")] == []

    told = summary_of(up, cancelled, 2231)
    assert f"stopped by a person; {60 - sent} batches not sent" in told
    assert f"armrest resume {run.run_id}" in told
    assert "open the form, filled in" in told
    resumed = ended(up, start(up, "resume-run/carry-on-a-run", run_id=run.run_id))
    assert (resumed["state_name"], accepted(up, 2231)) == ("Completed", 60)
    assert run_of(up, cancelled).stopped_by is None


def test_a_run_that_asks_and_is_cancelled_sends_nothing_and_its_plan_can_still_be_sent(up: Up) -> None:
    up.behave()
    up.write("whole.csv", 60, first=numbers_of(2233))
    assert ended(up, start(up, UPDATE, source="whole.csv", client_no=2233))["state_name"] == "Completed"
    up.write("shrunken.csv", 10, seed=2, first=numbers_of(2233))
    asks = start(up, UPDATE, source="shrunken.csv", client_no=2233, min_rows="50%", on_guard="ask")
    until(lambda: flow_run(up, asks)["state_type"] == "PAUSED")

    end = cancel(up, asks)
    plan, sent = run_of(up, asks), accepted(up, 2233)
    applied = ended(up, start(up, "apply-plan/apply-a-plan", plan_id=plan.run_id))

    assert end["state"]["name"] == "Cancelled"
    assert (plan.stopped_by, plan.message) == ("person", "stopped by a person; nothing was sent")
    assert (sent, applied["state_name"], accepted(up, 2233)) == (1, "Completed", 2)


def test_reruns_of_several_runs_are_all_cancelled_at_once(up: Up) -> None:
    for seed in (1, 2):
        rows = up.write(f"refused-{seed}.csv", 60, seed=seed, first=numbers_of(2234))
        up.behave(refuse_customers=[row["customerNo"] for row in rows])
        given = {"source": f"refused-{seed}.csv", "client_no": 2234, "batch_size": BATCH_SIZE}
        assert ended(up, start(up, UPDATE, **given))["state_name"] == "PartlyFailed"
    before = accepted(up, 2234)
    up.behave(rate=0.2)
    reruns = start(up, "rerun-failed-batches/send-failed-again", client_no=2234)
    until(lambda: accepted(up, 2234) > before)

    end = cancel(up, reruns)
    sent = accepted(up, 2234)
    (child,) = [one["run_id"] for one in up.armrest("runs") if one["client_no"] == 2234 and one["kind"] == "rerun"]

    assert end["state"]["name"] == "Cancelled"
    assert run_of(up, child).stopped_by == "person"
    up.behave()
    declined = ended(up, start(up, "resume-run/carry-on-a-run", run_id=child, by_itself=True))
    assert declined["state"]["message"].startswith("not resumed: a person stopped run")
    assert accepted(up, 2234) == sent < before + 12

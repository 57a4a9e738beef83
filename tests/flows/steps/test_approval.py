"""Past a guard rail, a flow in a deployment asks; only a clear yes sends."""

import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

import httpx
import pytest

from armrest.outbox import Outbox, client_confirmation, decision_on, find_run
from armrest.sandbox import SandboxServer
from tests import patient_http
from tests.conftest import CLIENT_NO
from tests.flows.conftest import FlowEnded, RunFlow
from tests.flows.history import History, patiently

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]
PAUSED = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}


@pytest.fixture
def shrunken(run_flow: RunFlow, file: Write) -> Callable[..., FlowEnded]:
    """Sends ten customers, then a file of one, which the rail refuses."""

    def run(**given: object) -> FlowEnded:
        run_flow("update-customers", source=file(10), client_no=CLIENT_NO)
        rail: dict[str, object] = {"min_rows": "50%", "on_guard": "ask"}
        return run_flow("update-customers", source=file(1), client_no=CLIENT_NO, **rail, **given)

    return run


def answer(history: History, decision: str) -> None:
    """Do what a person does in the UI, as soon as the question is there.

    The run is paused a moment before its form is stored; until then, Prefect rejects every answer with 200.
    """
    until = time.monotonic() + 300
    given = {"run_input": {"decision": decision, "decided_by": "kari"}}
    resumed: httpx.Response | None = None
    while resumed is None or resumed.status_code != HTTPStatus.CREATED:
        assert time.monotonic() < until, resumed and resumed.text
        if waiting := history.ask("flow_runs/filter", PAUSED):
            address = f"{history.address}/flow_runs/{waiting[0]['id']}/resume"
            resumed = patiently(lambda address=address: httpx.post(address, json=given, timeout=60))
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("decision", "name", "batches"),
    [("approve", "Completed", 2), ("refuse", "NotApproved", 1)],
    ids=["yes", "no"],
)
def test_a_person_decides(
    shrunken: Callable[..., FlowEnded],
    history: History,
    arm: SandboxServer,
    settings: dict[str, str],
    decision: str,
    name: str,
    batches: int,
) -> None:
    person = threading.Thread(target=answer, args=(history, decision))
    person.start()
    ended = shrunken(approve_within="2m")
    person.join()

    assert ended.name == name
    assert len(arm.records.batches()) == batches
    with Outbox.open(f"sqlite:///{settings['ARMREST_HOME']}/ledger.db", "memory://") as outbox:
        decided = decision_on(find_run(outbox.ledger, ended.flow_run_id))
    assert decided
    assert (decided.approved, decided.by) == (decision == "approve", "kari")
    told = history.artifacts(ended.flow_run_id)["arm-run-2218"]
    assert told.startswith(f"# {name}: client 2218")
    assert f"Guard rail | {decided.message} |" in told


def test_no_answer_is_no(shrunken: Callable[..., FlowEnded], arm: SandboxServer) -> None:
    ended = shrunken(approve_within="1s")

    assert ended.name == "NotApproved"
    assert "min_rows" in ended.message
    assert "apply-plan with plan_id" in ended.message
    assert "--" not in ended.message
    assert len(arm.records.batches()) == 1


def test_the_form_asks_for_a_decision_and_a_name_under_the_plans_figures(
    shrunken: Callable[..., FlowEnded], history: History
) -> None:
    ended = shrunken(approve_within="1s")

    inputs = patient_http.post(
        f"{history.address}/flow_runs/{ended.flow_run_id}/input/filter", json={"prefix": "paused", "limit": 9}
    ).json()
    asked = {one["key"].rsplit("-", 1)[-1]: json.loads(one["value"]) for one in inputs}
    assert sorted(asked["schema"]["required"]) == ["decided_by", "decision"]
    assert asked["schema"]["properties"]["decision"]["enum"] == ["approve", "refuse"]
    assert "min_rows" in asked["description"]
    assert "would be sent: 1 in 1 batch," in asked["description"]
    assert len(asked["description"].splitlines()) <= 5, "the fields stay in view"


def test_a_yes_to_a_source_that_looks_like_another_clients_is_remembered_with_who_gave_it(
    run_flow: RunFlow, file: Write, history: History, arm: SandboxServer, settings: dict[str, str]
) -> None:
    run_flow("update-customers", source=file(20), client_no=CLIENT_NO)
    mistyped = run_flow("update-customers", source=file(20), client_no=2299, client_no_is_right=CLIENT_NO)
    person = threading.Thread(target=answer, args=(history, "approve"))
    person.start()
    asked = run_flow("update-customers", source=file(20), client_no=2299, on_guard="ask", approve_within="2m")
    person.join()
    again = run_flow("update-customers", source=file(20), client_no=2299)

    assert (mistyped.name, asked.name, again.name) == ("InputRejected", "Completed", "Completed")
    assert "client_no_is_right is 2218, but client_no is 2299" in mistyped.message
    assert len(arm.records.batches()) == 3
    with Outbox.open(f"sqlite:///{settings['ARMREST_HOME']}/ledger.db", "memory://") as outbox:
        kept = client_confirmation(outbox.ledger, find_run(outbox.ledger, asked.flow_run_id))
    assert kept
    assert kept.by == "kari"

"""The flow `update-customer`."""

import pytest

from armrest.sandbox import SandboxServer
from flows.customer_number import TAKEN_OUT
from tests.flows.conftest import RunFlow
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect-flows")

KARI = {"customerNo": "10001", "name": "Kari", "phoneNo": "22222222", "sellerReference": "Ola"}


@pytest.fixture
def kari(arm: SandboxServer) -> SandboxServer:
    arm.records.load(2218, [KARI])
    return arm


def test_one_customer_is_updated_from_a_form(run_flow: RunFlow, kari: SandboxServer, history: History) -> None:
    """A field that stays empty keeps its value; one that is chosen in `clear` is blanked."""
    form = {"phoneNo": "91234567", "name": "", "sellerReference": " ", "clear": ["sellerReference"]}

    state = run_flow("update-customer", client_no=2218, customer_no="10001", deployed=True, **form)

    held = kari.records.customer(2218, "10001")
    assert (state.name, state.message) == ("Completed", "1 of 1 customer updated")
    assert held
    assert (held["phoneNo"], held["name"], held.get("sellerReference", "")) == ("91234567", "Kari", "")
    parameters = history.flow_run(state.flow_run_id)["parameters"]
    assert (parameters["phoneNo"], parameters["name"]) == (TAKEN_OUT, "")
    assert parameters["clear"] == ["sellerReference"]


def test_a_login_that_may_not_write_is_not_called_a_refusal_of_the_customer(
    run_flow: RunFlow, kari: SandboxServer, history: History
) -> None:
    kari.behaviour.clients = frozenset()

    state = run_flow("update-customer", client_no=2218, customer_no="10001", phoneNo="91234567", deployed=True)
    told = run_flow("customer-history", client_no=2218, customer_no="10001", deployed=True)
    resumed = run_flow("resume-run", run_id=state.flow_run_id)
    kari.behaviour.clients = None
    again = run_flow("rerun-failed-batches", run_id=state.flow_run_id)

    assert (state.name, resumed.name, again.name) == ("Failed", "Refused", "Completed")
    assert "To send the customer again: rerun-failed-batches with run_id " in resumed.message
    held = kari.records.customer(2218, "10001")
    assert held
    assert held["phoneNo"] == "91234567"
    assert state.message.startswith("ARM forbids this (403)")
    assert state.message.endswith("; ARM has accepted nothing; once that is fixed, update the customer again")
    assert told.message.startswith("customer 10001: not updated, for a reason that is not the customer's, 20")
    assert "- reason: ARM forbids this (403)" in history.artifacts(told.flow_run_id)["arm-customer-2218"]


def test_values_of_an_update_that_never_began_are_removed_by_the_sweep_and_it_sends_nothing_should_it_begin(
    run_flow: RunFlow, kari: SandboxServer, history: History
) -> None:
    flow_id = history.ask("flows/", {"name": "update-customer"})["id"]
    body = {"name": "never-begun", "flow_id": flow_id, "enforce_parameter_schema": False}
    deployment = history.ask("deployments/", body)["id"]
    typed = {"client_no": 2218, "customer_no": "10001", "phoneNo": "91234567", "changes": {"name": "Ola"}}
    ended = []
    for state in ("CRASHED", "CANCELLED"):  # a worker has died with it; a person has cancelled it while it waited
        ended.append(history.ask(f"deployments/{deployment}/create_flow_run", {"parameters": typed})["id"])
        for kind in ("PENDING", state):
            history.ask(f"flow_runs/{ended[-1]}/set_state", {"state": {"type": kind}, "force": True})

    run_flow("settle-open-batches")
    left = [history.flow_run(flow_run_id)["parameters"] for flow_run_id in ended]
    late = run_flow("update-customer", retry=ended[0])

    for parameters in left:
        assert parameters["phoneNo"] == parameters["changes"]["name"] == TAKEN_OUT
        assert (parameters["client_no"], parameters["customer_no"]) == (2218, "10001")
    assert late.message == "this run's parameters no longer hold the values: start a new run"
    held = kari.records.customer(2218, "10001")
    assert held
    assert (held["phoneNo"], held["name"]) == ("22222222", "Kari")


def test_a_program_may_still_pass_changes(run_flow: RunFlow, kari: SandboxServer, history: History) -> None:
    state = run_flow(
        "update-customer", client_no=2218, customer_no="10001", deployed=True, changes={"phoneNo": "91234567"}
    )

    held = kari.records.customer(2218, "10001")
    assert held
    assert (state.name, held["phoneNo"]) == ("Completed", "91234567")
    assert history.flow_run(state.flow_run_id)["parameters"]["changes"] == {"phoneNo": TAKEN_OUT}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "nothing to change: fill in a field, such as phoneNo, or choose one in clear to blank it"),
        (
            {"phoneNo": "91234567", "clear": ["phoneNo"]},
            "phoneNo has a new value and is in clear, too: keep one of them",
        ),
        (
            {"dateOfBirth": "31.12.80"},
            "this customer: dateOfBirth is not a date that exists, written as YYYY-MM-DD or as the mapping says",
        ),
        (
            {"phoneNo": "\u200b"},
            "this customer: phoneNo has no value; leave it out to keep ARM's, or clear it to blank it",
        ),
        (
            {"changes": {"phoneNo": ""}},
            "this customer: phoneNo has no value; leave it out to keep ARM's, or clear it to blank it",
        ),
    ],
    ids=["nothing", "both", "wrong", "invisible", "blank"],
)
def test_a_form_that_is_wrong_sends_nothing_and_names_the_field(
    run_flow: RunFlow, kari: SandboxServer, form: dict[str, object], message: str
) -> None:
    state = run_flow("update-customer", client_no=2218, customer_no="10001", **form)

    held = kari.records.customer(2218, "10001")
    assert held
    assert (state.name, state.message) == ("InputRejected", message)
    assert held["phoneNo"] == "22222222"


def test_a_name_in_the_field_of_the_number_leaves_no_trace(
    run_flow: RunFlow, kari: SandboxServer, history: History
) -> None:
    """A caller may switch Prefect's check of the schema off; its engine would log what it refuses."""
    state = run_flow("update-customer", client_no=2218, customer_no="Kari Nordmann", phoneNo="91234567")

    flow_run = history.flow_run(state.flow_run_id)
    assert state.name == "InputRejected"
    assert "Kari" not in state.message
    assert "Kari" not in str(flow_run)
    assert "91234567" not in str(flow_run)
    assert not kari.records.batches()

"""The flow `verify-customers`."""

from collections.abc import Callable

import pytest

from armrest.sandbox import SandboxServer
from tests.flows.conftest import FlowEnded, RunFlow
from tests.flows.history import History

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]
FILE = "customerNo,name\n10001,Kari\n10002,Ola\n"


def test_drift_fails_the_flow_run_and_names_customers_and_fields_alone(
    run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    arm.records.load(2218, [{"customerNo": "10001", "name": "Gammel"}])

    state = run_flow("verify-customers", source=file(FILE), client_no=2218)

    assert state.name == "Drift"
    assert history.flow_run(state.flow_run_id)["name"] == "2218 · customers.csv"
    assert "1 missing in ARM, 1 different" in state.message
    assert history.artifacts(state.flow_run_id)["arm-drift-2218"] == [
        {"customer": "10001", "drift": "different", "fields": "name"},
        {"customer": "10002", "drift": "missing", "fields": ""},
    ]


def test_equal_books_complete_it(run_flow: RunFlow, file: Write, arm: SandboxServer) -> None:
    arm.records.load(2218, [{"customerNo": "10001", "name": "Kari"}, {"customerNo": "10002", "name": "Ola"}])

    assert run_flow("verify-customers", source=file(FILE), client_no=2218, sample=1).name == "Completed"


def test_an_update_is_verified_by_a_sample_of_what_it_has_sent(
    run_flow: RunFlow, history: History, file: Write, arm: SandboxServer
) -> None:
    def update(source: str) -> FlowEnded:
        return run_flow("update-customers", source=source, client_no=2218, verify_sample=2)

    arm.records.load(2218, [{"customerNo": "10001", "name": "Gammel"}, {"customerNo": "10002", "name": "Ola"}])
    equal = update(file(FILE))
    arm.behaviour.forget_customers = frozenset({"10001"})
    drifted = update(file(FILE.replace("Kari", "Kåre")))

    assert (equal.name, "0 missing in ARM, 0 different" in equal.message) == ("Completed", True)
    assert (drifted.name, "1 different" in drifted.message) == ("Drift", True)
    assert history.artifacts(drifted.flow_run_id)["arm-drift-2218"] == [
        {"customer": "10001", "drift": "different", "fields": "name"}
    ]

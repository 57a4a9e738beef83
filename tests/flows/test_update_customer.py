"""The flow `update-customer`."""

import pytest

from armrest.sandbox import SandboxServer
from tests.flows.conftest import RunFlow

pytestmark = pytest.mark.xdist_group("prefect-flows")


def test_one_customer_is_updated_from_a_form(run_flow: RunFlow, arm: SandboxServer) -> None:
    arm.records.load(2218, [{"customerNo": "10001", "name": "Kari", "phoneNo": "22222222"}])

    state = run_flow("update-customer", client_no=2218, customer_no="10001", changes={"phoneNo": "91234567"})

    held = arm.records.customer(2218, "10001")
    assert (state.name, state.message) == ("Completed", "1 of 1 customer updated")
    assert held
    assert (held["phoneNo"], held["name"]) == ("91234567", "Kari")

"""A slice of which a part has to wait is asked about all the same."""

from collections.abc import Callable

import pytest

from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO, SENT_BY
from tests.flows.conftest import RunFlow

pytestmark = pytest.mark.xdist_group("prefect-flows")


def test_what_was_accepted_beside_a_held_batch_is_polled(
    run_flow: RunFlow, file: Callable[..., str], arm: SandboxServer
) -> None:
    arm.behaviour.delay_seconds = 3600
    first = run_flow("update-customers", source=file(5), client_no=CLIENT_NO, deadline=SENT_BY)
    arm.behaviour.delay_seconds = 0

    second = run_flow("update-customers", source=file(10), client_no=CLIENT_NO, deadline=SENT_BY)

    assert (first.name, second.name) == ("Unsettled", "Stopped")
    assert second.message == "1 batch not sent (5 customers); 5 of 10 customers updated"

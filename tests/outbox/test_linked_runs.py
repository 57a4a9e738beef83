"""Which runs of a deployment are resumed by machines, or shown to Prefect later."""

import pytest

from armrest.outbox import (
    Outbox,
    RunRequest,
    RunState,
    SingleRequest,
    Unheld,
    create_run,
    save_flow_run_link,
    stopped_runs,
    unreported_runs,
    update_run,
)
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock
from tests.plans import update_of

SIZES = {"batch_size": 10, "max_body_bytes": 10_000}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [(update_of(**SIZES), ["r"]), (SingleRequest(**SIZES), [])],
    ids=["a file", "one customer: its values may be old by then, and it has no artifacts"],
)
def test_a_run_that_a_machine_stopped_is_resumed_and_reported_unless_it_updates_one_customer(
    outbox: Outbox, clock: Clock, request_: RunRequest, expected: list[str]
) -> None:
    ledger = outbox.ledger
    run = create_run(
        ledger,
        run_id="r",
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="customers.csv",
        request=request_,
    )
    save_flow_run_link(ledger, run, "f")
    update_run(ledger, run, Unheld(ledger, run), state=RunState.SENDING)

    killed = stopped_runs(ledger, API_URL)
    update_run(ledger, run, Unheld(ledger, run), state=RunState.FAILED, stopped_by="machine", ended_at=clock())
    stopped = stopped_runs(ledger, API_URL)

    assert killed == stopped == unreported_runs(ledger, API_URL, ended_before=clock() + 1) == expected

"""Planning a run from its request, without Prefect."""

import pytest

from armrest.app.plan_run import plan_run
from armrest.outbox import OutboxError, RunState, SingleRequest, create_run, find_run
from tasks.open_workspace import use_workspace
from tests.conftest import CLIENT_NO


def test_a_single_update_that_was_killed_before_it_stored_its_customer_says_what_to_do() -> None:
    with use_workspace() as here:
        run = create_run(
            here.outbox.ledger,
            run_id="single",
            api_url="https://arm.test",
            client_no=CLIENT_NO,
            mode="update",
            user_id="ola",
            source="update-customer",
            request=SingleRequest(batch_size=1, max_body_bytes=1_000_000),
        )

        with pytest.raises(OutboxError, match="sent nothing: update the customer again"):
            plan_run(here, run)

        assert find_run(here.outbox.ledger, "single").state is RunState.PLANNING

"""A run on several machines: a machine that dies in the middle costs nothing but what it had under way."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from armrest.outbox import Shard, State, batches_in, find_run, outcomes_of_run, shards_of, summaries
from armrest.sandbox import Fault, SandboxServer
from tests.conftest import CLIENT_NO, customers
from tests.kills.workspace import books_after
from tests.shards.conftest import Machines, until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(400)]

CUSTOMERS: Final = 600
BATCH: Final = 5
IN_FLIGHT: Final = 8


def test_a_machine_that_dies_in_mid_slice_is_replaced_and_the_books_equal_the_file(
    machines: Machines, arm: SandboxServer, tmp_path: Path
) -> None:
    source = tmp_path / "customers.csv"
    source.write_text(customers(CUSTOMERS))
    arm.behaviour.slow_seconds = 0.5  # time to die in the middle of
    arm.behaviour.faults = {Fault.SLOW: 1.0}
    machines.start_worker(limit=2)
    doomed = machines.start_worker(limit=1)
    until(lambda: machines.at_work() == 2)
    doomed.send_signal(signal.SIGSTOP)  # so that it gets neither the run itself nor both of its shards
    asked = {"source": str(source), "client_no": CLIENT_NO, "batch_size": BATCH, "shards": 2, "deadline": "5m"}
    flow_run_id = machines.ask_for("update-customers/manual", **asked)

    with machines.outbox() as outbox:
        [told] = until(lambda: [one for one in summaries(outbox.ledger) if one.state == "Sending"])
        run = find_run(outbox.ledger, told.run_id)

        def acknowledged() -> dict[str, str]:
            known = batches_in(outbox.ledger, run, list(State))
            return {batch.batch_uuid: batch.body.sha256.hex() for batch in known if batch.batch_uuid}

        def under_way(shard: Shard) -> bool:
            return len(batches_in(outbox.ledger, run, [State.ACCEPTED, State.SETTLED], shard=shard)) >= 5

        [first] = until(lambda: _begun(machines, run.run_id))
        [lost] = [shard for shard in shards_of(run, 2) if shard.first_slice != first]
        doomed.send_signal(signal.SIGCONT)
        until(lambda: len(_begun(machines, run.run_id)) == 2 and under_way(lost))
        machines.kill(doomed)
        arm.behaviour.faults = {}
        before = acknowledged()
        in_flight = {batch.body.sha256.hex() for batch in batches_in(outbox.ledger, run, [State.SENDING])}

        state = until(lambda: _final(machines, flow_run_id), seconds=200)

        assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
        assert before.items() <= acknowledged().items()
        outcomes = Counter(one.outcome for one in outcomes_of_run(outbox.ledger, run))
        assert outcomes == {"updated": CUSTOMERS}
    received = Counter(batch.sha256 for batch in arm.books.batches(CLIENT_NO))
    assert all(received[body] == 1 for body in before.values()), "an acknowledged batch was sent again"
    again = {body for body, times in received.items() if times > 1}
    assert again <= in_flight
    assert len(in_flight) <= IN_FLIGHT
    assert arm.books.customers(CLIENT_NO) == books_after(source)
    attempts = {
        (one["parameters"]["first_slice"], one["parameters"]["attempt"]) for one in _shards(machines, run.run_id)
    }
    assert len(attempts) == 3, "one of two shards was taken over once"


def _final(machines: Machines, flow_run_id: str) -> dict[str, str] | None:
    state = machines.state_of(flow_run_id)
    return state if state["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None


def _begun(machines: Machines, run_id: str) -> list[int]:
    """The first slices of the shards that a machine has begun."""
    begun = [one for one in _shards(machines, run_id) if one["start_time"]]
    return [one["parameters"]["first_slice"] for one in begun]


def _shards(machines: Machines, run_id: str) -> list[dict[str, Any]]:
    return [one for one in machines.flow_runs("submit-slices") if one["parameters"]["run_id"] == run_id]

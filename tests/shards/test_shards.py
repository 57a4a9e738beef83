"""A run on several machines: a machine that dies in the middle costs nothing but what it had under way."""

import signal
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pytest

from armrest.outbox import (
    Outbox,
    Run,
    Shard,
    State,
    batches_in,
    find_run,
    has_begun,
    lease_holders,
    outcomes_of_run,
    shards_of,
    summaries,
)
from armrest.sandbox import CustomerRecords, Fault, SandboxServer
from tests.conftest import CLIENT_NO, customers
from tests.kills.workspace import books_after, received
from tests.machines import Machines, until
from tests.shards.conftest import LEASE_SECONDS

pytestmark = [pytest.mark.xdist_group("prefect-flows"), pytest.mark.timeout(400)]

CUSTOMERS: Final = 600
BATCH: Final = 5
IN_FLIGHT: Final = 4
"""Calls at once of one shard of two, by default."""


def test_a_machine_that_dies_in_mid_slice_is_replaced_and_the_books_equal_the_file(
    machines: Machines, arm: SandboxServer, tmp_path: Path
) -> None:
    source = tmp_path / "customers.csv"
    source.write_text(customers(CUSTOMERS))
    arm.behaviour.slow_seconds = 0.5  # what is done is answered late: time to die in between
    arm.behaviour.faults = {Fault.SLOW: 1.0}
    machines.start_worker(limit=2)
    doomed = machines.start_worker(limit=1)
    until(lambda: machines.at_work() == 2)
    machines.signal(doomed, signal.SIGSTOP)  # so that it gets neither the run itself nor both of its shards
    asked = {"source": str(source), "client_no": CLIENT_NO, "batch_size": BATCH, "shards": 2, "deadline": "5m"}
    flow_run_id = machines.ask_for("update-customers/manual", **asked)

    with machines.outbox() as outbox:
        [told] = until(lambda: [one for one in summaries(outbox.ledger) if one.state == "Sending"])
        run = find_run(outbox.ledger, told.run_id)
        [kept] = until(lambda: [one for one in _shards(machines, run.run_id).values() if one["start_time"]])
        [lost] = [shard for shard in shards_of(run, 2) if shard.first_slice != kept["parameters"]["first_slice"]]

        def is_killed_in_mid_slice() -> bool:
            machines.signal(doomed, signal.SIGSTOP)
            if _is_in_mid_slice(outbox, run, lost, arm.records):
                machines.kill(doomed)
                return True
            machines.signal(doomed, signal.SIGCONT)
            return False

        machines.signal(doomed, signal.SIGCONT)
        until(is_killed_in_mid_slice)
        before, in_flight = _acknowledged(outbox, run), _bodies(outbox, run, State.SENDING, lost)
        unheard = in_flight & received(arm.records).keys()
        arm.behaviour.faults = {}

        state = until(lambda: _final(machines, flow_run_id), seconds=200)

        assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
        after = _acknowledged(outbox, run)
        assert before.items() <= after.items()
        expected = books_after(source)
        outcomes = [(one.customer_no, one.outcome) for one in outcomes_of_run(outbox.ledger, run)]
        assert sorted(outcomes) == [(number, "updated") for number in sorted(expected)]
    assert arm.records.customers(CLIENT_NO) == expected
    times = received(arm.records)
    assert all(times[body] == 1 for body in before.values()), "an acknowledged batch was sent again"
    again = {body for body, number in times.items() if number > 1}
    assert unheard <= again <= in_flight, "other batches were sent again than those that the dead machine had under way"
    assert len(in_flight) <= IN_FLIGHT
    assert times.keys() == set(after.values())
    assert set(after) <= {batch.batch_uuid for batch in arm.records.batches(CLIENT_NO)}
    states = {which: one["state_type"] for which, one in _shards(machines, run.run_id).items()}
    assert states == {
        (kept["parameters"]["first_slice"], 1): "COMPLETED",
        (lost.first_slice, 1): "CRASHED",
        (lost.first_slice, 2): "COMPLETED",  # only the other machine is left to have done it
    }


def test_when_the_parent_is_killed_its_workers_go_on_and_nobody_else_gets_the_client_meanwhile(
    machines: Machines, arm: SandboxServer, tmp_path: Path
) -> None:
    source = tmp_path / "customers.csv"
    source.write_text(customers(CUSTOMERS))
    arm.behaviour.slow_seconds = 0.5
    arm.behaviour.faults = {Fault.SLOW: 1.0}
    machines.start_worker(limit=4)
    asked = {"source": str(source), "client_no": CLIENT_NO, "batch_size": BATCH, "shards": 2, "deadline": "5m"}
    flow_run_id = machines.ask_for("update-customers/manual", **asked)

    with machines.outbox() as outbox:
        [told] = until(lambda: [one for one in summaries(outbox.ledger) if one.state == "Sending"])
        run = find_run(outbox.ledger, told.run_id)
        until(lambda: all(has_begun(outbox.ledger, run, shard) for shard in shards_of(run, 2)))
        machines.kill_flow_run(flow_run_id)
        resumed = machines.ask_for("resume-run/carry-on-a-run", run_id=run.run_id, wait="3m")
        time.sleep(LEASE_SECONDS + 1)  # what the parent has renewed last is over
        open_then = len(batches_in(outbox.ledger, run, [State.PLANNED]))
        holders = lease_holders(outbox.ledger)
        arm.behaviour.faults = {}

        state = until(lambda: _final(machines, resumed), seconds=200)

        assert open_then, "the workers were done before the parent's lease was over"
        assert holders == {run.client_id: run.run_id}
        assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
        expected = books_after(source)
        outcomes = [(one.customer_no, one.outcome) for one in outcomes_of_run(outbox.ledger, run)]
        assert sorted(outcomes) == [(number, "updated") for number in sorted(expected)]
    assert arm.records.customers(CLIENT_NO) == expected
    assert set(received(arm.records).values()) == {1}
    assert machines.state_of(flow_run_id)["type"] == "CRASHED"
    states = [one["state_type"] for one in _shards(machines, run.run_id).values()]
    assert states == ["COMPLETED"] * 2, "no worker was replaced"


@pytest.mark.parametrize("what", ["run", "shard"], ids=["all-of-it", "a-part"])
def test_a_sharded_run_of_which_a_person_cancels_the_whole_or_a_part_stops_and_is_not_resumed_by_itself(
    machines: Machines, arm: SandboxServer, tmp_path: Path, what: str
) -> None:
    source = tmp_path / "customers.csv"
    source.write_text(customers(CUSTOMERS))
    arm.behaviour.slow_seconds = 0.5
    arm.behaviour.faults = {Fault.SLOW: 1.0}
    machines.start_worker(limit=4)
    asked = {"source": str(source), "client_no": CLIENT_NO, "batch_size": BATCH, "shards": 2, "deadline": "5m"}
    flow_run_id = machines.ask_for("update-customers/manual", **asked)

    with machines.outbox() as outbox:
        [told] = until(lambda: [one for one in summaries(outbox.ledger) if one.state == "Sending"])
        run = find_run(outbox.ledger, told.run_id)
        until(lambda: all(has_begun(outbox.ledger, run, shard) for shard in shards_of(run, 2)))
        shards = _shards(machines, run.run_id)
        machines.cancel(flow_run_id if what == "run" else shards[1, 1]["id"])
        state = until(lambda: _final(machines, flow_run_id))
        until(lambda: all(_final(machines, one["id"]) for one in _shards(machines, run.run_id).values()))

        stopped = find_run(outbox.ledger, run.run_id)
        sent = len(received(arm.records))
        declined = machines.ask_for("resume-run/carry-on-a-run", run_id=flow_run_id, by_itself=True)
        left = until(lambda: _final(machines, declined))
        sent_by_itself = len(received(arm.records)) - sent

        assert state["type"] == {"run": "CANCELLED", "shard": "FAILED"}[what]
        assert (stopped.state, stopped.stopped_by) == ("Failed", "person")
        assert set(_shards(machines, run.run_id)) == {(1, 1), (shards_of(run, 2)[1].first_slice, 1)}, "another attempt"
        assert left["message"].startswith("not resumed: a person stopped run")
        assert sent_by_itself == 0

        arm.behaviour.faults = {}
        resumed = machines.ask_for("resume-run/carry-on-a-run", run_id=run.run_id)
        assert until(lambda: _final(machines, resumed), seconds=200)["name"] == "Completed"
        assert find_run(outbox.ledger, run.run_id).stopped_by is None
    assert arm.records.customers(CLIENT_NO) == books_after(source)
    assert set(received(arm.records).values()) == {1}


def _is_in_mid_slice(outbox: Outbox, run: Run, shard: Shard, books: CustomerRecords) -> bool:
    """Whether ARM has a batch of a slice that we do not know of, beside one that we do; and others were never sent."""
    of_slices = defaultdict(list)
    for batch in batches_in(outbox.ledger, run, list(State), shard=shard):
        of_slices[batch.slice_no].append(batch)
    arrived = received(books)

    def is_half_known(slice_no: int) -> bool:
        of_slice = of_slices[slice_no]
        unknown = [one for one in of_slice if one.state is State.SENDING and one.body.sha256.hex() in arrived]
        return any(one.batch_uuid for one in of_slice) and bool(unknown)

    untouched = [of_slice for of_slice in of_slices.values() if all(one.state is State.PLANNED for one in of_slice)]
    return bool(untouched) and any(map(is_half_known, of_slices))


def _acknowledged(outbox: Outbox, run: Run) -> dict[str, str]:
    """Each batchUuid that the ledger knows, and its body."""
    known = batches_in(outbox.ledger, run, list(State))
    return {batch.batch_uuid: batch.body.sha256.hex() for batch in known if batch.batch_uuid}


def _bodies(outbox: Outbox, run: Run, state: State, shard: Shard) -> set[str]:
    return {batch.body.sha256.hex() for batch in batches_in(outbox.ledger, run, [state], shard=shard)}


def _final(machines: Machines, flow_run_id: str) -> dict[str, str] | None:
    state = machines.state_of(flow_run_id)
    return state if state["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None


def _shards(machines: Machines, run_id: str) -> dict[tuple[int, int], dict[str, Any]]:
    """The flow runs that were asked for, by first slice and attempt; one for each."""
    asked = [one for one in machines.flow_runs("submit-slices") if one["parameters"]["run_id"] == run_id]
    found = {(one["parameters"]["first_slice"], one["parameters"]["attempt"]): one for one in asked}
    assert len(found) == len(asked), "two flow runs for one attempt"
    return found

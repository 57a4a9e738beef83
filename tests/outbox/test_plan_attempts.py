"""One attempt at planning writes at a time: a planner that slept through a takeover changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from armrest.delivery import finish
from armrest.outbox import (
    Lease,
    LeaseHeld,
    LeaseLost,
    Outbox,
    OutboxError,
    PlanAttempt,
    PlanWriter,
    Run,
    State,
    Unheld,
    apply_plan,
    batches_in,
    begin_plan,
    create_run,
    discard_plan,
    find_run,
    give_up_waiting,
    outcomes_of_run,
    purge,
    read_customers,
    record_decision,
    summary,
    take_lease,
    this_process,
    update_run,
)
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock, Planned, accepted, lease_of, people
from tests.outbox.plans.test_plan_writer import new_run
from tests.plans import leased, planning, update_of

SIZES: dict[str, Any] = {"batch_size": 10, "max_body_bytes": 5_000_000}


def lease_elsewhere(outbox: Outbox, run: Run) -> Lease:
    """Take the client as a process of another machine, which only time takes over."""
    return take_lease(
        outbox.ledger,
        api_url=run.api_url,
        client_no=run.client_no,
        run_id=run.run_id,
        seconds=60,
        process={**this_process(), "host": "elsewhere"},
    )


def dry_run(outbox: Outbox, run_id: str = "dry") -> Run:
    facts = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola"}
    return create_run(outbox.ledger, run_id=run_id, source="c.csv", request=update_of(dry_run=True), **facts)  # type: ignore[arg-type]


def resumed_and_sent(outbox: Outbox, run: Run) -> list[str | None]:
    """Plan a run again as another process, and have ARM accept it; return its batchUuids."""
    with planning(outbox, run, **SIZES) as writer:
        writer.add(people(*range(20)))
        writer.complete()
    return [batch.batch_uuid for batch in accepted(outbox, find_run(outbox.ledger, run.run_id))]


WRITES: dict[str, Callable[[Outbox, PlanAttempt, PlanWriter], object]] = {
    "completes": lambda _, __, writer: writer.complete(),
    "goes on": lambda _, __, writer: writer.end_batch(),
    "rejects a row": lambda _, __, writer: (writer.reject([(2, "1", "name", "code")]), writer.end_batch()),
    "discards": lambda outbox, attempt, _: discard_plan(outbox, attempt),
    "notes": lambda outbox, attempt, _: update_run(outbox.ledger, attempt.run, attempt, state="InputRejected"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_planner_that_slept_through_a_takeover_changes_nothing(
    outbox: Outbox, clock: Clock, write: Callable[[Outbox, PlanAttempt, PlanWriter], object]
) -> None:
    run = new_run(outbox)
    attempt = begin_plan(outbox.ledger, run, lease_elsewhere(outbox, run))
    uuids: list[str | None] = []

    def sleep_and_write() -> None:
        with PlanWriter(outbox, attempt, **SIZES) as slept:
            slept.add(people(*range(100, 200)))
            slept.end_batch()
            slept.add(people(*range(200, 300)))
            clock.seconds += 61
            uuids.extend(resumed_and_sent(outbox, run))
            write(outbox, attempt, slept)

    with pytest.raises(LeaseLost):
        sleep_and_write()

    batches = batches_in(outbox.ledger, run, list(State))
    assert len(uuids) == 2
    assert [batch.batch_uuid for batch in batches] == uuids
    assert [person["customerNo"] for batch in batches for _, person in read_customers(outbox, batch)] == list(
        map(str, range(20))
    )
    assert summary(outbox.ledger, run.run_id).customers.rejected == 0
    assert set(outbox.bodies.files(run.run_id)) == {batch.body.file for batch in batches}


def test_a_planner_with_nothing_left_to_write_completes_nothing_after_a_takeover(outbox: Outbox, clock: Clock) -> None:
    run = new_run(outbox)
    attempt = begin_plan(outbox.ledger, run, lease_elsewhere(outbox, run))
    with PlanWriter(outbox, attempt, **SIZES) as writer:
        writer.add(people(1))
        writer.end_batch()
        clock.seconds += 61

        with leased(outbox, run), pytest.raises(LeaseLost):
            writer.complete()

    assert find_run(outbox.ledger, run.run_id).planned_at is None


def test_another_process_of_the_run_is_named_as_such(outbox: Outbox, clock: Clock) -> None:
    run = new_run(outbox)
    attempt = begin_plan(outbox.ledger, run, lease_elsewhere(outbox, run))
    clock.seconds += 61

    with leased(outbox, run), pytest.raises(LeaseLost, match="another process has resumed it; `armrest show"):
        discard_plan(outbox, attempt)


def test_of_two_who_plan_the_same_dry_run_the_later_one_does(outbox: Outbox) -> None:
    run = dry_run(outbox)
    slept = begin_plan(outbox.ledger, run, None)
    with PlanWriter(outbox, slept, **SIZES) as writer:
        writer.add(people(1))
        with planning(outbox, run, **SIZES) as later:
            later.add(people(2, 3))
            later.complete()
        with pytest.raises(LeaseLost, match="another process is planning run dry"):
            writer.complete()

    assert summary(outbox.ledger, "dry").customers.planned == 2
    with pytest.raises(LeaseLost, match="or has planned it"):
        begin_plan(outbox.ledger, run, None)


def test_under_one_lease_a_thread_of_an_earlier_attempt_changes_nothing(outbox: Outbox) -> None:
    run = new_run(outbox)
    with leased(outbox, run) as lease:
        earlier = begin_plan(outbox.ledger, run, lease)
        begin_plan(outbox.ledger, run, lease)

        with pytest.raises(LeaseLost):
            discard_plan(outbox, earlier)


def test_what_is_to_be_sent_is_not_planned_without_its_clients_lease(outbox: Outbox, planned: Planned) -> None:
    other = lease_of(outbox, planned("other", people(1), client_no=CLIENT_NO + 1))

    with pytest.raises(ValueError, match="requires its client's lease"):
        begin_plan(outbox.ledger, new_run(outbox), None)
    with pytest.raises(ValueError, match="the lease to client"):
        begin_plan(outbox.ledger, new_run(outbox), other)


def test_what_an_attempt_that_was_killed_has_left_is_removed(outbox: Outbox) -> None:
    run = new_run(outbox)
    with planning(outbox, run, **SIZES) as killed:
        killed.add(people(*range(20)))
        killed.end_batch()
    with leased(outbox, run) as lease:
        attempt = begin_plan(outbox.ledger, run, lease)
        discard_plan(outbox, attempt)

    assert outbox.bodies.files(run.run_id) == []
    assert (attempt.number, attempt.suffix) == (2, "-2")


def test_a_holder_that_was_taken_over_does_not_write_how_the_run_ended(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    run = planned("run", people(1))
    slept = lease_elsewhere(outbox, run)
    clock.seconds += 61
    with leased(outbox, run) as lease:
        update_run(outbox.ledger, run, lease, state="Sending", started_at=clock())

        with pytest.raises(LeaseLost):
            finish(outbox, run, slept, stopped="stopped before its end")
        with pytest.raises(LeaseHeld):
            finish(outbox, run, Unheld(outbox.ledger, run))

    assert find_run(outbox.ledger, "run").state == "Sending"


def test_a_plan_is_applied_by_the_holder_of_the_client_alone(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    plan = planned("plan", people(1), dry_run=True)
    slept = lease_elsewhere(outbox, plan)
    clock.seconds += 61

    with leased(outbox, plan), pytest.raises(LeaseLost):
        apply_plan(outbox.ledger, plan, slept)

    assert find_run(outbox.ledger, "plan").request.dry_run


def test_a_decision_does_not_undo_what_happened_meanwhile(outbox: Outbox, planned: Planned) -> None:
    seen = planned("plan", people(1), dry_run=True)
    with leased(outbox, seen) as lease:
        apply_plan(outbox.ledger, seen, lease)

    with pytest.raises(OutboxError, match="was applied meanwhile"):
        record_decision(outbox.ledger, seen, approved=False, by="ola")

    assert not find_run(outbox.ledger, "plan").request.dry_run


def test_a_run_that_did_not_get_its_client_is_failed_unless_another_process_has_it(
    outbox: Outbox, planned: Planned
) -> None:
    waited, carried, done = new_run(outbox), new_run(outbox), planned("done", people(1))
    with leased(outbox, carried):
        for run in (waited, carried, done):
            give_up_waiting(outbox.ledger, run, "held")

    states = [find_run(outbox.ledger, run.run_id).state for run in (waited, carried, done)]
    assert states == ["Failed", "Planning", "Planned"]


def test_a_purge_removes_the_bodies_of_an_attempt_that_died_before_its_first_line(outbox: Outbox) -> None:
    run = new_run(outbox)
    with leased(outbox, run) as lease:
        begin_plan(outbox.ledger, run, lease)
    with outbox.bodies.writer(run.run_id) as writer:
        writer.write(b"customers")

    purge(outbox, older_than_seconds=0)

    assert outbox.bodies.files(run.run_id) == []


def test_a_plan_that_is_discarded_leaves_no_rejected_rows(outbox: Outbox) -> None:
    run = new_run(outbox)
    with leased(outbox, run) as lease:
        attempt = begin_plan(outbox.ledger, run, lease)
        with PlanWriter(outbox, attempt, **SIZES) as writer:
            writer.add(people(1))
            writer.reject([(2, "10002", "name", "code")])
            writer.end_batch()
        assert [one.outcome for one in outcomes_of_run(outbox.ledger, run)] == ["planned", "rejected"]

        discard_plan(outbox, attempt)

    assert list(outcomes_of_run(outbox.ledger, run)) == []
    assert outbox.bodies.files(run.run_id) == []

"""The order of what ARM is told, held in the transaction that writes SENDING."""

import pytest
from sqlalchemy import Pool, event, select

from armrest.outbox import (
    SENDABLE,
    Batch,
    LeaseLost,
    Ledger,
    Outbox,
    OutgoingBatch,
    Run,
    State,
    accept,
    batches_in,
    begin,
    close_batch,
    outcomes_of_customer,
    read_customers,
    release_lease,
    reload,
    revert_to_planned,
)
from armrest.outbox.ledger import customers
from tests.outbox.conftest import CLIENT_NO, Clock, Planned, lease_of, people

HORIZON = 3600.0


def offer(outbox: Outbox, run: Run, batch: Batch) -> OutgoingBatch | None:
    """Offer a batch to the gate under a lease of its own."""
    lease = lease_of(outbox, run)
    try:
        return begin(outbox, run, batch, lease, ghost_horizon_seconds=HORIZON)
    finally:
        release_lease(outbox.ledger, lease)


def send(outbox: Outbox, run: Run, *, uuid: str) -> Batch:
    """Send a run's first batch that can be sent, and have it accepted."""
    leaving = offer(outbox, run, batches_in(outbox.ledger, run, SENDABLE)[0])
    assert leaving is not None
    accept(outbox.ledger, leaving.batch, batch_uuid=uuid, get_result=None, status="", result="")
    return reload(outbox.ledger, leaving.batch)


def close(outbox: Outbox, batch: Batch) -> None:
    """Have ARM work a batch through."""
    close_batch(outbox.ledger, batch, {}, status="PROCESSED", result="OK", message="")


def states(outbox: Outbox, run: Run) -> list[tuple[State, int]]:
    return [(batch.state, batch.customers) for batch in batches_in(outbox.ledger, run, list(State))]


def test_a_holder_that_was_taken_over_cannot_send(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    old, new = planned("old", people(1)), planned("new", people(2))
    slept = lease_of(outbox, old, seconds=60)
    clock.seconds += 61
    lease_of(outbox, new)
    [batch] = batches_in(outbox.ledger, old, SENDABLE)

    with pytest.raises(LeaseLost, match="run new has taken over"):
        begin(outbox, old, batch, slept, ghost_horizon_seconds=HORIZON)

    assert reload(outbox.ledger, batch).state is State.PLANNED


def test_what_goes_out_of_the_way_while_the_gate_looks_again_leaves_the_body_as_it_was_planned(
    outbox: Outbox, planned: Planned, ledger_url: str
) -> None:
    first, second = planned("first", people(1)), planned("second", people(1, name="Ola"))
    in_flight = send(outbox, first, uuid="A")
    [batch] = batches_in(outbox.ledger, second, SENDABLE)
    lease = lease_of(outbox, second)

    looks: list[int] = []

    def another_process_closes_it(*_: object) -> None:
        looks.append(1)
        if len(looks) == 1:  # after the gate's first look
            other = Ledger.open(ledger_url)
            close_batch(other, in_flight, {}, status="PROCESSED", result="OK", message="")
            other.close()

    event.listen(Pool, "checkin", another_process_closes_it)
    try:
        leaving = begin(outbox, second, batch, lease, ghost_horizon_seconds=HORIZON)
    finally:
        event.remove(Pool, "checkin", another_process_closes_it)

    assert leaving is not None
    assert leaving.batch.body == batch.body
    assert states(outbox, first) == [(State.SETTLED, 1)]


def test_a_customer_in_flight_is_held_and_the_others_leave(outbox: Outbox, planned: Planned) -> None:
    first, second = planned("first", people(1)), planned("second", people(1, 2, 3))
    in_flight = send(outbox, first, uuid="A")

    assert offer(outbox, second, batches_in(outbox.ledger, second, SENDABLE)[0]) is None

    assert states(outbox, second) == [(State.SPLIT, 0), (State.PLANNED, 2), (State.HELD, 1)]
    free, held = batches_in(outbox.ledger, second, SENDABLE)
    assert offer(outbox, second, free) is not None
    assert offer(outbox, second, held) is None
    close(outbox, in_flight)
    leaving = offer(outbox, second, held)
    assert leaving is not None
    assert b'"customerNo":"1"' in leaving.body


def test_a_customer_in_flight_is_known_by_its_number_in_any_case(outbox: Outbox, planned: Planned) -> None:
    send(outbox, planned("first", [{"customerNo": "a1", "name": "Kari"}]), uuid="A")
    second = planned("second", [{"customerNo": "A1", "name": "Kari"}])

    assert offer(outbox, second, batches_in(outbox.ledger, second, SENDABLE)[0]) is None

    assert states(outbox, second) == [(State.HELD, 1)]
    [held, _] = outcomes_of_customer(outbox.ledger, CLIENT_NO, "A1")
    assert (held.outcome, held.reason) == ("open", "batch 1 of run first, batchUuid A")


def test_a_batch_without_an_answer_holds_its_customers_for_the_ghost_horizon(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    first, second = planned("first", people(1)), planned("second", people(1))
    offer(outbox, first, batches_in(outbox.ledger, first, SENDABLE)[0])  # killed before an answer came
    [batch] = batches_in(outbox.ledger, second, SENDABLE)

    assert offer(outbox, second, batch) is None
    clock.seconds += HORIZON + 1
    assert offer(outbox, second, reload(outbox.ledger, batch)) is not None


def test_a_client_of_another_number_holds_nothing(outbox: Outbox, planned: Planned) -> None:
    send(outbox, planned("first", people(1), client_no=1), uuid="A")
    second = planned("second", people(1), client_no=2)

    assert offer(outbox, second, batches_in(outbox.ledger, second, SENDABLE)[0]) is not None


def test_fields_that_newer_data_has_carried_are_left_out(outbox: Outbox, planned: Planned) -> None:
    old = planned("old", [{"customerNo": "1", "name": "Old", "phoneNo": "1"}, {"customerNo": "2", "name": "Old"}])
    close(outbox, send(outbox, planned("new", people(1, name="New")), uuid="N"))

    leaving = offer(outbox, old, batches_in(outbox.ledger, old, SENDABLE)[0])

    assert leaving is not None
    assert [person for _, person in read_customers(outbox, leaving.batch)] == [
        {"customerNo": "1", "phoneNo": "1"},
        {"customerNo": "2", "name": "Old"},
    ]


def test_what_is_sent_in_part_is_not_taken_for_what_arm_holds(outbox: Outbox, planned: Planned) -> None:
    first = planned("first", [{"customerNo": "1", "name": "Old", "phoneNo": "1"}, *people(2)])
    second = planned("second", [{"customerNo": "1", "name": "New"}])
    close(outbox, send(outbox, second, uuid="B"))

    send(outbox, first, uuid="A")

    with outbox.ledger.read() as tx:
        lines = tx.execute(select(customers).where(customers.c.run_seq == first.seq)).all()
    assert [(line.customer_no, line.fingerprint is None) for line in lines] == [("1", True), ("2", False)]


def test_the_postal_address_is_superseded_as_one_group(outbox: Outbox, planned: Planned) -> None:
    old = planned("old", people(1, postalAddress={"addressLine1": "Old", "cityName": "Oslo"}, phoneNo="1"))
    close(outbox, send(outbox, planned("new", people(1, postalAddress={"cityName": "Bergen"})), uuid="N"))

    leaving = offer(outbox, old, batches_in(outbox.ledger, old, SENDABLE)[0])

    assert leaving is not None
    assert [person for _, person in read_customers(outbox, leaving.batch)] == [{"customerNo": "1", "phoneNo": "1"}]


def test_a_customer_with_no_field_left_is_superseded(outbox: Outbox, planned: Planned) -> None:
    old = planned("old", people(1, 2))
    close(outbox, send(outbox, planned("new", people(1)), uuid="N"))

    leaving = offer(outbox, old, batches_in(outbox.ledger, old, SENDABLE)[0])

    assert leaving is not None
    assert [line.customer_no for line, _ in read_customers(outbox, leaving.batch)] == ["2"]
    assert [o.outcome for o in outcomes_of_customer(outbox.ledger, CLIENT_NO, "1")] == ["updated", "superseded"]


def test_a_batch_that_is_superseded_whole_is_closed_unsent(outbox: Outbox, planned: Planned) -> None:
    old = planned("old", people(1))
    close(outbox, send(outbox, planned("new", people(1)), uuid="N"))

    assert offer(outbox, old, batches_in(outbox.ledger, old, SENDABLE)[0]) is None

    assert states(outbox, old) == [(State.SETTLED, 1)]


def test_a_newer_plan_that_was_never_sent_supersedes_nothing(outbox: Outbox, planned: Planned) -> None:
    old, new = planned("old", people(1)), planned("new", people(1))
    refused = offer(outbox, new, batches_in(outbox.ledger, new, SENDABLE)[0])
    assert refused is not None
    revert_to_planned(outbox.ledger, refused.batch, "429")

    leaving = offer(outbox, old, batches_in(outbox.ledger, old, SENDABLE)[0])

    assert leaving is not None
    assert b'"name":"Kari"' in leaving.body


def test_a_rerun_carries_the_age_of_its_parents_data(outbox: Outbox, planned: Planned) -> None:
    old = planned("old", people(1, name="Old"))
    close(outbox, send(outbox, planned("new", people(1, name="New")), uuid="N"))
    rerun = planned("rerun", people(1, name="Old"), parent=old)

    assert offer(outbox, rerun, batches_in(outbox.ledger, rerun, SENDABLE)[0]) is None

    assert outcomes_of_customer(outbox.ledger, CLIENT_NO, "1")[0].outcome == "superseded"


def test_a_withdrawn_batch_that_is_in_doubt_stays_in_doubt(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    [batch] = batches_in(outbox.ledger, run, SENDABLE)
    offer(outbox, run, batch)  # killed before an answer came
    again = offer(outbox, run, reload(outbox.ledger, batch))
    assert again is not None

    revert_to_planned(outbox.ledger, again.batch, "429")

    assert reload(outbox.ledger, batch).state is State.SENDING

"""A customer that ARM refuses night after night is named with the number of nights."""

from armrest.outbox import Outbox, RepeatedRefusal, repeated_refusals
from tests.outbox.conftest import Clock, Planned, people, settled

DAY = 86_400


def test_a_customer_refused_on_several_nights_is_named_with_their_number(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    for night, failed in enumerate((["1", "2"], ["2"], ["1", "2", "3"])):
        run = planned(f"night-{night}", people(1, 2, 3))
        settled(outbox, run, failed=failed)
        clock.seconds += DAY

    assert repeated_refusals(outbox.ledger, run, most=9) == [RepeatedRefusal("2", 3), RepeatedRefusal("1", 2)]
    assert repeated_refusals(outbox.ledger, run, most=1) == [RepeatedRefusal("2", 3)]


def test_who_was_updated_last_night_is_not_named(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    for night, failed in enumerate((["1"], ["1"], [])):
        run = planned(f"night-{night}", people(1))
        settled(outbox, run, failed=failed)
        clock.seconds += DAY

    assert repeated_refusals(outbox.ledger, run, most=9) == []


def test_runs_of_a_day_are_one_night_and_other_clients_and_long_ago_do_not_count(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    long_ago = planned("long-ago", people(1))
    settled(outbox, long_ago, failed=["1"])
    clock.seconds += 90 * DAY
    settled(outbox, planned("other", people(1), client_no=2219), failed=["1"])
    for attempt in range(3):
        run = planned(f"run-{attempt}", people(1))
        settled(outbox, run, failed=["1"])

    assert repeated_refusals(outbox.ledger, run, most=9) == []

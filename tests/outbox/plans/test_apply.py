"""A plan is applied once, and never over what was sent of its customers since."""

from dataclasses import replace

import pytest

from armrest.outbox import Outbox, OutboxError, Run, apply_plan, assert_applicable, find_run
from tests.outbox.conftest import Clock, Planned, accepted
from tests.plans import leased

PEOPLE = [{"customerNo": "1", "name": "Kari"}, {"customerNo": "A2", "name": "Ola"}]


def applied(outbox: Outbox, plan: Run) -> Run:
    """Apply a plan under its client's lease."""
    with leased(outbox, plan) as lease:
        return apply_plan(outbox.ledger, plan, lease)


def test_an_applied_plan_is_a_run_like_any_other(outbox: Outbox, planned: Planned) -> None:
    run = applied(outbox, planned("plan", PEOPLE, dry_run=True))

    assert not run.request.dry_run
    assert find_run(outbox.ledger, "plan") == run
    with pytest.raises(OutboxError, match="is not a plan that can be applied"):
        applied(outbox, run)


def test_two_who_apply_at_once_do_not_both(outbox: Outbox, planned: Planned) -> None:
    seen_by_both = planned("plan", PEOPLE, dry_run=True)
    applied(outbox, seen_by_both)

    with pytest.raises(OutboxError, match="is not a plan that can be applied"):
        applied(outbox, seen_by_both)


def test_a_plan_that_is_not_whole_is_refused(outbox: Outbox, planned: Planned) -> None:
    run = replace(planned("plan", PEOPLE, dry_run=True), planned_at=None)

    with pytest.raises(OutboxError, match="was not completed"):
        assert_applicable(outbox.ledger, run)


def test_a_later_plan_that_was_not_sent_is_in_nobodys_way(outbox: Outbox, planned: Planned) -> None:
    plan: Run = planned("plan", PEOPLE, dry_run=True)
    planned("later", PEOPLE)

    assert_applicable(outbox.ledger, plan)


def test_an_older_run_that_is_sent_after_the_plan_was_made_overtakes_it(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    older = planned("older", [{"customerNo": "a2", "name": "Olav"}])
    plan = planned("plan", PEOPLE, dry_run=True)
    clock.seconds += 1
    accepted(outbox, older)

    with pytest.raises(OutboxError, match="run older has sent 1 of the customers"):
        assert_applicable(outbox.ledger, plan)


def test_what_was_sent_before_the_plan_was_made_is_what_it_was_made_for(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    accepted(outbox, planned("older", PEOPLE))
    clock.seconds += 1

    assert_applicable(outbox.ledger, planned("plan", PEOPLE, dry_run=True))

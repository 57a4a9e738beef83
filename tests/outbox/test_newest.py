"""How new data is: by when its source was read, whichever run was made first."""

from armrest.outbox import Outbox, Run, State, apply_plan, batches_in, begin_plan, count_failures, find_run
from tests.outbox.conftest import CLIENT_NO, Planned, people, settled
from tests.outbox.plans.test_plan_writer import new_run
from tests.plans import leased, planning


def read(outbox: Outbox, run: Run, *, name: str) -> Run:
    """Plan one customer for a run that was made before."""
    with planning(outbox, run, batch_size=10, max_body_bytes=5_000_000) as writer:
        writer.add(people(1, name=name))
        writer.complete()
    return find_run(outbox.ledger, run.run_id)


def applied(outbox: Outbox, plan: Run) -> Run:
    """Apply a plan under its client's lease."""
    with leased(outbox, plan) as lease:
        return apply_plan(outbox.ledger, plan, lease)


def test_what_was_read_later_goes_over_what_was_made_later(outbox: Outbox, planned: Planned) -> None:
    waited = new_run(outbox)
    overtook = planned("overtook", people(1, name="Kari"))
    settled(outbox, overtook)

    waited = read(outbox, waited, name="Ola")

    assert [batch.state for batch in settled(outbox, waited)] == [State.SETTLED]
    assert waited.data_seq > overtook.data_seq


def test_a_source_that_is_read_again_is_the_newest_again(outbox: Outbox, planned: Planned) -> None:
    broken_off = new_run(outbox)
    with leased(outbox, broken_off) as lease:
        begin_plan(outbox.ledger, broken_off, lease)
    overtook = planned("overtook", people(1))

    assert read(outbox, broken_off, name="Ola").data_seq > overtook.data_seq


def test_a_rerun_is_as_new_as_its_parent(outbox: Outbox, planned: Planned) -> None:
    parent = planned("parent", people(1))
    planned("newer", people(1))

    assert planned("rerun", people(1), parent=parent).data_seq == parent.data_seq


def test_data_of_another_client_makes_nothing_older(outbox: Outbox, planned: Planned) -> None:
    with planning(outbox, new_run(outbox), batch_size=10, max_body_bytes=5_000_000) as writer:
        planned("other", people(1), client_no=CLIENT_NO + 1)

        assert writer.complete() == 0


def test_a_dry_run_ends_no_live_run_that_is_being_planned(outbox: Outbox, planned: Planned) -> None:
    nightly = new_run(outbox)
    with planning(outbox, nightly, batch_size=10, max_body_bytes=5_000_000) as writer:
        writer.add(people(1))
        dry = planned("dry", people(1), dry_run=True)

        assert writer.complete() == 1

    assert find_run(outbox.ledger, nightly.run_id).planned_at is not None
    assert dry.planned_at is not None


def test_of_two_plans_at_one_place_the_one_that_was_read_later_is_newer(outbox: Outbox, planned: Planned) -> None:
    planned("before", people(1))
    first, second, third = (planned(name, people(1), dry_run=True) for name in ("first", "second", "third"))

    for plan in (second, first, third):
        applied(outbox, plan)

    ages = [find_run(outbox.ledger, plan.run_id).data_seq for plan in (first, second, third)]
    assert ages == sorted(set(ages))


def test_a_run_that_was_made_before_a_plan_and_read_after_it_is_newer(outbox: Outbox, planned: Planned) -> None:
    waited = new_run(outbox)
    plan = planned("plan", people(1), dry_run=True)
    waited = read(outbox, waited, name="Ola")

    applied(outbox, plan)

    assert find_run(outbox.ledger, "plan").data_seq < find_run(outbox.ledger, waited.run_id).data_seq


def test_a_dry_run_gets_its_place_when_it_is_applied(outbox: Outbox, planned: Planned) -> None:
    before = planned("before", people(1))
    dry = planned("dry", people(2), dry_run=True)

    run = applied(outbox, dry)

    assert dry.data_seq == before.data_seq
    assert run.data_seq > before.data_seq
    assert {batch.data_seq for batch in batches_in(outbox.ledger, run, [State.PLANNED])} == {run.data_seq}


def test_what_was_read_after_a_plan_stays_newer_than_the_plan(outbox: Outbox, planned: Planned) -> None:
    dry = planned("dry", people(1, name="Old"), dry_run=True)
    later = planned("later", people(1, name="New"))

    run = applied(outbox, dry)
    settled(outbox, run)

    later = find_run(outbox.ledger, later.run_id)
    assert run.data_seq < later.data_seq
    assert [batch.superseded for batch in settled(outbox, later)] == [0]
    assert planned("newest", people(1)).data_seq > later.data_seq


def test_a_plan_that_was_not_applied_hides_no_failure(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    settled(outbox, run, failed={"1"})

    planned("dry", people(1), dry_run=True)

    assert count_failures(outbox.ledger, run) == 1

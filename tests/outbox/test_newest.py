"""How new data is: by when its source was read, whichever run was made first."""

from typing import Any

import pytest

from armrest.outbox import LeaseLost, Outbox, PlanWriter, Run, State, discard_plan, find_run
from tests.outbox.conftest import CLIENT_NO, Planned, people, settled
from tests.outbox.test_planning import new_run

SIZES: dict[str, Any] = {"batch_size": 10, "max_body_bytes": 5_000_000}


def read(outbox: Outbox, run: Run, *, name: str) -> Run:
    """Plan one customer for a run that was made before."""
    with PlanWriter(outbox, run, **SIZES) as writer:
        writer.add(people(1, name=name))
        writer.complete()
    return find_run(outbox.ledger, run.run_id)


def test_what_was_read_later_goes_over_what_was_made_later(outbox: Outbox, planned: Planned) -> None:
    waited = new_run(outbox)
    overtook = planned("overtook", people(1, name="Kari"))
    settled(outbox, overtook)

    waited = read(outbox, waited, name="Ola")

    assert [batch.state for batch in settled(outbox, waited)] == [State.SETTLED]
    assert waited.data_seq > overtook.data_seq


def test_a_source_that_is_read_anew_is_the_newest_again(outbox: Outbox, planned: Planned) -> None:
    broken_off = new_run(outbox)
    PlanWriter(outbox, broken_off, **SIZES)
    overtook = planned("overtook", people(1))

    discard_plan(outbox.ledger, broken_off)

    assert read(outbox, broken_off, name="Ola").data_seq > overtook.data_seq


def test_a_rerun_is_as_new_as_its_parent(outbox: Outbox, planned: Planned) -> None:
    parent = planned("parent", people(1))
    planned("newer", people(1))

    assert planned("rerun", people(1), parent=parent).data_seq == parent.data_seq


def test_data_of_another_client_makes_nothing_older(outbox: Outbox, planned: Planned) -> None:
    with PlanWriter(outbox, new_run(outbox), **SIZES) as writer:
        planned("other", people(1), client_no=CLIENT_NO + 1)

        assert writer.complete() == 0


def test_a_plan_that_was_taken_over_while_it_was_made_is_not_completed(outbox: Outbox, planned: Planned) -> None:
    slept = new_run(outbox)
    with PlanWriter(outbox, slept, **SIZES) as writer:
        writer.add(people(1))
        planned("took-over", people(1))

        with pytest.raises(LeaseLost, match=f"armrest resume {slept.run_id}"):
            writer.complete()

    slept = find_run(outbox.ledger, slept.run_id)
    assert (slept.planned_at, slept.slices) == (None, 0)

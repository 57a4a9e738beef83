"""Whether a slice is submitted or closed is told by the states of its batches."""

import pytest
from sqlalchemy import update

from armrest.outbox import Outbox, State, is_closed, is_submitted
from armrest.outbox.ledger.schema import batches
from tests.outbox.conftest import Planned, people


@pytest.mark.parametrize(
    ("state", "submitted", "closed"),
    [
        (State.PLANNED, False, False),
        (State.HELD, False, False),
        (State.SENDING, False, False),
        (State.ACCEPTED, True, False),
        (State.SETTLED, True, True),
        (State.PARTLY_FAILED, True, True),
        (State.FAILED, True, True),
        (State.SPLIT, True, True),
        (State.LOST, True, True),
    ],
    ids=lambda value: value.value if isinstance(value, State) else None,
)
def test_a_slice_is_submitted_when_nothing_of_it_may_leave_and_closed_when_nothing_is_open(
    outbox: Outbox, planned: Planned, state: State, submitted: bool, closed: bool
) -> None:
    run = planned("run", people(1, 2, 3), batch_size=1)
    with outbox.ledger.write() as tx:
        tx.execute(update(batches).where(batches.c.slice_no == 2).values(state=state))

    assert (is_submitted(outbox.ledger, run, 2), is_closed(outbox.ledger, run, 2)) == (submitted, closed)
    assert not is_submitted(outbox.ledger, run, 1), "each slice is told by its own batches"

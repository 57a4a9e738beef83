"""The figures of each client for monitoring: the same on every database, and read without its history."""

import re

import pytest

from armrest.outbox import Outbox, Run, RunState, State, Unheld, client_figures, update_run
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock, Planned, accepted, people, settled
from tests.outbox.ledger.test_current import explained

HISTORY = (
    r"SCAN (runs|batches|customers|rejects|attempts|archived|current_lines)\b"
    r"|INDEX batches_by_\w+ \(client_id=\?\)"
    r"|USING PRIMARY KEY \(client_id=\?\)"
)
"""Steps of a query whose cost grows with the history of a client."""


def ended(outbox: Outbox, run: Run, *, failed: tuple[str, ...] = ()) -> None:
    """Have ARM work through a run, and end it."""
    now = outbox.ledger.now()
    fence = Unheld(outbox.ledger, run)
    update_run(outbox.ledger, run, fence, started_at=now)
    settled(outbox, run, failed=failed)
    state = RunState.PARTLY_FAILED if failed else RunState.COMPLETED
    update_run(outbox.ledger, run, fence, state=state, ended_at=now)


def test_the_figures_are_those_of_the_last_run_and_of_what_is_open(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    ended(outbox, planned("good", people(1, 2)))
    clock.seconds += 60
    ended(outbox, planned("bad", people(1, 2)), failed=("2",))
    clock.seconds += 60
    sent_at = clock.seconds
    accepted(outbox, planned("open", people(3)))
    ended(outbox, planned("other", people(1), client_no=2219))

    mine, other = client_figures(outbox.ledger, API_URL)

    assert (mine.client_no, mine.last_good_at, mine.oldest_open_at) == (CLIENT_NO, sent_at - 120, sent_at)
    assert mine.waiting == {State.ACCEPTED: 1}
    assert mine.last_run is not None
    assert (mine.last_run.run_id, mine.last_run.failed) == ("bad", {"refused": 1})
    assert (mine.last_run.customers.settled, mine.last_run.customers.failed) == (1, 1)
    assert (other.client_no, other.last_good_at, other.waiting) == (2219, clock.seconds, {})
    assert client_figures(outbox.ledger, API_URL, only=[2219]) == [other]


@pytest.mark.usefixtures("sqlite_only")
def test_no_query_of_the_figures_reads_the_history(outbox: Outbox, planned: Planned) -> None:
    ended(outbox, planned("good", people(1, 2)))
    ended(outbox, planned("bad", people(1, 2)), failed=("2",))
    accepted(outbox, planned("open", people(3)))

    with explained(outbox) as plans:
        client_figures(outbox.ledger, API_URL)

    assert len(plans) > 8
    assert not [step for step in plans if re.search(HISTORY, step)], plans

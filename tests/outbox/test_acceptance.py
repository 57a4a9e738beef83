"""A batchUuid that is committed twice: a connection that is lost during a commit leaves nobody sure of the first."""

import pytest

from armrest.outbox import (
    SENDABLE,
    Batch,
    BatchMoved,
    Outbox,
    State,
    accept,
    batch_views,
    batches_in,
    begin,
    close_batch,
    find_run,
    record_status,
    reload,
)
from tests.outbox.conftest import Clock, Planned, lease_of, people


@pytest.fixture
def sending(outbox: Outbox, planned: Planned) -> Batch:
    run = planned("run", people(1))
    [batch] = batches_in(outbox.ledger, run, SENDABLE)
    outgoing = begin(outbox, run, batch, lease_of(outbox, run), ghost_horizon_seconds=3600)
    assert outgoing is not None
    return outgoing.batch


def committed(outbox: Outbox, batch: Batch, uuid: str) -> Batch:
    accept(outbox.ledger, batch, batch_uuid=uuid, get_result=None, status="", result="")
    return reload(outbox.ledger, batch)


def test_the_same_batch_uuid_may_be_committed_again_and_changes_nothing(
    outbox: Outbox, sending: Batch, clock: Clock
) -> None:
    accepted = committed(outbox, sending, "uuid")
    clock.seconds += 60

    assert committed(outbox, sending, "uuid") == accepted
    close_batch(outbox.ledger, accepted, {}, status="", result="", message="")
    assert committed(outbox, sending, "uuid").state is State.SETTLED


def test_another_batch_uuid_of_the_same_batch_may_not(outbox: Outbox, sending: Batch) -> None:
    committed(outbox, sending, "uuid")

    with pytest.raises(BatchMoved):
        committed(outbox, sending, "another")


def test_words_about_a_batch_that_has_closed_meanwhile_are_not_noted(outbox: Outbox, sending: Batch) -> None:
    accepted = committed(outbox, sending, "uuid")
    close_batch(outbox.ledger, accepted, {}, status="PROCESSED", result="OK", message="done")

    record_status(outbox.ledger, accepted, status="PENDING", result="", message="not yet")
    outbox.ledger.flush()

    [view] = batch_views(outbox.ledger, find_run(outbox.ledger, "run"))
    assert (view.state, view.status, view.result, view.message) == (State.SETTLED, "PROCESSED", "OK", "done")

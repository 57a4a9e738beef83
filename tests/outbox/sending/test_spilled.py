"""A batchUuid that was spilled belongs to the attempt that ARM answered, and to no later one."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import event

from armrest.outbox import (
    SENDABLE,
    Outbox,
    Spill,
    SpilledUuid,
    State,
    attempts_at,
    batches_in,
    begin,
    reload,
    replay_spill,
    unread_answers,
)
from tests.outbox.conftest import Planned, lease_of, people

HORIZON = 3600.0


def test_the_uuid_of_an_earlier_attempt_is_not_the_batchs_while_a_later_one_has_no_answer(
    outbox: Outbox, planned: Planned, tmp_path: Path
) -> None:
    spilling = replace(outbox, spill=Spill(tmp_path / "spill", outbox.ledger))
    assert spilling.spill is not None
    run = planned("run", people(1))
    lease = lease_of(outbox, run)
    [batch] = batches_in(outbox.ledger, run, SENDABLE)
    first = begin(outbox, run, batch, lease, ghost_horizon_seconds=HORIZON)
    assert first is not None
    answer = {"batch_uuid": "first", "get_result": None, "accepted_at": outbox.ledger.now()}
    spilling.spill.write(SpilledUuid(run_id="run", seq=1, attempts=1, **answer))
    assert begin(outbox, run, first.batch, lease, ghost_horizon_seconds=HORIZON)

    assert replay_spill(spilling, run) == 0

    now = reload(outbox.ledger, batch)
    assert (now.state, now.attempts, now.batch_uuid) == (State.SENDING, 2, None)
    assert [(attempt.what, attempt.evidence) for attempt in attempts_at(outbox.ledger, run)] == [
        ("SPILL", "batchUuid first")
    ]


def test_an_answer_that_its_run_commits_while_the_holders_are_read_is_not_told_as_unread(
    outbox: Outbox, planned: Planned, tmp_path: Path
) -> None:
    spill = Spill(tmp_path / "spill", outbox.ledger)
    planned("run", people(1))
    spilled = SpilledUuid(run_id="run", seq=1, attempts=1, batch_uuid="first", get_result=None, accepted_at=1.0)
    assert spill.write(spilled)
    event.listen(outbox.ledger._engine, "before_cursor_execute", lambda *_: spill.remove(spilled))

    assert unread_answers(replace(outbox, spill=spill)) == []

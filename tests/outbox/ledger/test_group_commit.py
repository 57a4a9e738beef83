"""Group commit: tasks that write in one turn of the event loop share a transaction, and nothing else."""

import asyncio
from collections.abc import Callable

import pytest

from armrest.outbox import (
    SENDABLE,
    Attempt,
    Batch,
    BatchMoved,
    GroupCommit,
    Lease,
    LeaseLost,
    Ledger,
    LedgerUnusable,
    Outbox,
    OutgoingBatch,
    Run,
    State,
    accept,
    append_attempt,
    attempts_at,
    batches_in,
    begin_if_clear,
    close_batch,
    release_lease,
    reload,
)
from tests.commits import commits
from tests.file_trouble import full_disk
from tests.outbox.conftest import Planned, accepted, lease_of, people

HORIZON = 3600.0
WORDS = {"status": "PROCESSED", "result": "SUCCESS", "message": ""}


@pytest.fixture
def run(planned: Planned) -> Run:
    return planned("run", people(*range(10001, 10006)), batch_size=1)


@pytest.fixture
def group(outbox: Outbox) -> GroupCommit:
    return GroupCommit(outbox.ledger)


def states(outbox: Outbox, run: Run) -> list[State]:
    return states_in(outbox.ledger, run)


def states_in(ledger: Ledger, run: Run) -> list[State]:
    return [batch.state for batch in batches_in(ledger, run, list(State))]


def beginning(batch: Batch, lease: Lease) -> Callable[[Ledger], OutgoingBatch | None]:
    return lambda ledger: begin_if_clear(ledger, batch, b"", lease, ghost_horizon_seconds=HORIZON)


def accepting(batch: Batch) -> Callable[[Ledger], None]:
    words = {"batch_uuid": f"uuid-{batch.seq}", "status": "", "result": ""}
    return lambda ledger: accept(ledger, batch, get_result=None, **words)


def closing(batch: Batch) -> Callable[[Ledger], None]:
    return lambda ledger: close_batch(ledger, batch, {}, **WORDS)


async def settled(group: GroupCommit, batches: list[Batch]) -> list[BaseException | None]:
    work = [group.write(closing(batch)) for batch in batches]
    return await asyncio.gather(*work, return_exceptions=True)


async def test_what_many_tasks_write_in_one_turn_is_one_transaction(
    outbox: Outbox, run: Run, group: GroupCommit
) -> None:
    batches = accepted(outbox, run)

    with commits() as counted:
        ends = await settled(group, batches)

    assert (len(counted), ends) == (1, [None] * 5)
    assert states(outbox, run) == [State.SETTLED] * 5


async def test_each_gets_what_its_own_work_returns(outbox: Outbox, run: Run, group: GroupCommit) -> None:
    lease = lease_of(outbox, run)
    batches = batches_in(outbox.ledger, run, SENDABLE)

    leaving = await asyncio.gather(*(group.write(beginning(batch, lease)) for batch in batches))

    assert [one.batch if one else None for one in leaving] == [reload(outbox.ledger, batch) for batch in batches]
    assert {one.batch.state for one in leaving if one} == {State.SENDING}


async def test_one_that_fails_fails_alone_and_leaves_nothing_behind(
    outbox: Outbox, run: Run, group: GroupCommit
) -> None:
    first, second, third, fourth, fifth = accepted(outbox, run)
    close_batch(outbox.ledger, third, {}, **WORDS)

    def first_writes_then_fails(ledger: Ledger) -> None:
        close_batch(ledger, fifth, {}, **WORDS)
        close_batch(ledger, third, {}, **WORDS)

    good = [settled(group, [batch]) for batch in (first, second, fourth)]
    ends = await asyncio.gather(*good, group.write(first_writes_then_fails), return_exceptions=True)

    assert ends[:3] == [[None]] * 3
    assert isinstance(ends[3], BatchMoved)
    assert states(outbox, run) == [State.SETTLED] * 4 + [State.ACCEPTED]


async def test_nobody_of_a_run_that_has_lost_its_lease_may_send(outbox: Outbox, run: Run, group: GroupCommit) -> None:
    lease = lease_of(outbox, run)
    release_lease(outbox.ledger, lease)
    batches = batches_in(outbox.ledger, run, SENDABLE)

    work = [group.write(beginning(batch, lease)) for batch in batches]
    ends = await asyncio.gather(*work, return_exceptions=True)

    assert {type(end) for end in ends} == {LeaseLost}
    assert states(outbox, run) == [State.PLANNED] * 5


@pytest.mark.usefixtures("sqlite_only")
async def test_where_a_group_cannot_be_committed_each_of_it_hears_so_and_none_was_written(
    outbox: Outbox, run: Run, group: GroupCommit
) -> None:
    batches = accepted(outbox, run)

    with full_disk():
        ends = await settled(group, batches)

    assert {type(end) for end in ends} == {LedgerUnusable}
    assert states(outbox, run) == [State.ACCEPTED] * 5


async def test_it_is_written_even_if_its_caller_is_cancelled(outbox: Outbox, run: Run, group: GroupCommit) -> None:
    lease = lease_of(outbox, run)
    first, second, *_ = batches_in(outbox.ledger, run, SENDABLE)
    for batch in (first, second):
        begin_if_clear(outbox.ledger, batch, b"", lease, ghost_horizon_seconds=HORIZON)

    tasks = [asyncio.create_task(group.write(accepting(reload(outbox.ledger, batch)))) for batch in (first, second)]
    asyncio.get_running_loop().call_soon(tasks[0].cancel)
    ends = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(end) for end in ends] == [asyncio.CancelledError, type(None)]
    assert [reload(outbox.ledger, batch).batch_uuid for batch in (first, second)] == ["uuid-1", "uuid-2"]


async def test_what_comes_in_the_next_turn_is_another_group(outbox: Outbox, run: Run, group: GroupCommit) -> None:
    batches = accepted(outbox, run)

    with commits() as counted:
        await settled(group, batches[:2])
        await settled(group, batches[2:])

    assert len(counted) == 2


def test_what_is_written_in_a_transaction_can_be_read_in_it_and_nowhere_else(outbox: Outbox, run: Run) -> None:
    first, *_ = accepted(outbox, run)

    with outbox.ledger.transaction() as ledger:
        close_batch(ledger, first, {}, **WORDS)
        within, elsewhere = reload(ledger, first).state, reload(outbox.ledger, first).state
        counted, counted_elsewhere = states_in(ledger, run), states_in(outbox.ledger, run)

    assert (within, elsewhere) == (State.SETTLED, State.ACCEPTED)
    assert (counted.count(State.SETTLED), counted_elsewhere.count(State.SETTLED)) == (1, 0)


def test_what_is_written_in_a_transaction_that_fails_is_not_written(outbox: Outbox, run: Run) -> None:
    first, second, *_ = accepted(outbox, run)
    close_batch(outbox.ledger, second, {}, **WORDS)

    def fail() -> None:
        with outbox.ledger.transaction() as ledger:
            close_batch(ledger, first, {}, **WORDS)
            close_batch(ledger, second, {}, **WORDS)

    with pytest.raises(BatchMoved):
        fail()

    assert states(outbox, run)[:2] == [State.ACCEPTED, State.SETTLED]


def test_a_transaction_within_another_is_the_same_and_does_not_end_it(outbox: Outbox, run: Run) -> None:
    first, second, third, *_ = accepted(outbox, run)

    with commits() as counted, outbox.ledger.transaction() as ledger:
        close_batch(ledger, first, {}, **WORDS)
        with ledger.transaction() as inner:
            close_batch(inner, second, {}, **WORDS)
        close_batch(ledger, third, {}, **WORDS)

    assert len(counted) == 1
    assert states(outbox, run)[:3] == [State.SETTLED] * 3


async def test_a_group_that_is_undone_loses_no_attempt_and_doubles_none(
    outbox: Outbox, run: Run, group: GroupCommit
) -> None:
    first, second, *_ = accepted(outbox, run)
    close_batch(outbox.ledger, second, {}, **WORDS)
    before = len(attempts_at(outbox.ledger, run))
    append_attempt(
        outbox.ledger, Attempt(run_seq=run.seq, batch_seq=first.seq, at=0.0, what="GET", outcome="PROCESSED")
    )

    ends = await settled(group, [first, second])

    assert [type(end) for end in ends] == [type(None), BatchMoved]
    assert len(attempts_at(outbox.ledger, run)) == before + 1

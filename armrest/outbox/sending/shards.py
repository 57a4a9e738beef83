"""Shards: ranges of a run's slices, each sent by one worker at a time, all under the same lease of the run.

A worker's right to send is the run's lease plus its own attempt at the range. The gate checks both: a worker may no
longer send if its shard was reassigned, or if another process has taken over the client.
"""

from dataclasses import replace
from itertools import pairwise

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from armrest.outbox.errors import LeaseLost, OutboxError
from armrest.outbox.ledger import UNFINISHED, Ledger, State, batches, clients, shards
from armrest.outbox.outbox import Outbox
from armrest.outbox.runs import Run, Shard
from armrest.outbox.sending.leases import Lease


def shards_of(run: Run, number: int) -> list[Shard]:
    """Return the ranges into which a run's slices are divided, always the same; each as its first attempt."""
    if not run.slices:
        return []
    number = min(number, run.slices)
    ends = [run.slices * place // number for place in range(number + 1)]
    return [Shard(first + 1, last) for first, last in pairwise(ends)]


def assert_shareable(outbox: Outbox) -> None:
    """Check that other machines can work on an outbox.

    Raises:
        OutboxError: Only this machine can reach its ledger or its bodies.
    """
    if not outbox.ledger.is_shared:
        raise OutboxError(
            "shards need a ledger that every worker can reach: set ARMREST_LEDGER_URL to PostgreSQL, "
            "or leave shards at 1"
        )
    if not outbox.bodies.is_shared:
        raise OutboxError(
            "shards need bodies that every worker can reach: set ARMREST_STORE_URL to an object store such as "
            "s3://bucket/armrest, or leave shards at 1"
        )


def join_lease(ledger: Ledger, run: Run, shard: Shard, *, seconds: float) -> Lease:
    """Take a shard under the lease that its run holds; safe to repeat.

    Raises:
        LeaseLost: The run does not hold its client, or a later attempt has the shard.
    """
    with ledger.write() as tx:
        now = ledger.now_in(tx)
        client = tx.execute(select(clients).where(clients.c.id == run.client_id)).one()
        if client.holder_run_id != run.run_id or client.lapses_at <= now:
            raise LeaseLost(
                f"run {run.run_id} no longer holds client {run.client_no}: `armrest resume {run.run_id}`",
                run_id=run.run_id,
            )
        attempt = latest_attempt(tx, run, shard)
        if attempt is not None and attempt > shard.attempt:
            raise LeaseLost(f"another worker has slices {shard.name} of run {run.run_id}", run_id=run.run_id)
        tx.execute(delete(shards).where(_this(run, shard)))
        values = {"first_slice": shard.first_slice, "last_slice": shard.last_slice, "attempt": shard.attempt}
        tx.execute(insert(shards).values(run_seq=run.seq, beat_at=now, **values))
    return Lease(run.client_id, run.client_no, run.run_id, client.epoch, seconds, run.seq, shard, client.token)


def reassign(ledger: Ledger, run: Run, shard: Shard) -> Shard:
    """Return the next attempt at a shard; its current worker may send nothing more of it."""
    with ledger.write() as tx:
        following = replace(shard, attempt=max(shard.attempt, latest_attempt(tx, run, shard) or 0) + 1)
        tx.execute(update(shards).where(_this(run, shard)).values(attempt=following.attempt, beat_at=None))
    return following


def latest_attempt(tx: Connection, run: Run, shard: Shard) -> int | None:
    """Return the attempt at a shard that may send; None if no worker has begun."""
    return tx.execute(select(shards.c.attempt).where(_this(run, shard))).scalar()


def has_begun(ledger: Ledger, run: Run, shard: Shard) -> bool:
    """Whether any worker has ever had a shard."""
    with ledger.read() as tx:
        return latest_attempt(tx, run, shard) is not None


def has_joined(ledger: Ledger, run: Run, shard: Shard) -> bool:
    """Whether a worker has reported for this attempt at a shard."""
    joined = select(shards.c.attempt).where(
        _this(run, shard), shards.c.attempt == shard.attempt, shards.c.beat_at.is_not(None)
    )
    with ledger.read() as tx:
        return tx.execute(joined).first() is not None


def silent_seconds(ledger: Ledger, run: Run, shard: Shard) -> float:
    """Return the seconds since the last heartbeat of this attempt at a shard; 0 if it has not begun."""
    beat = select(shards.c.beat_at).where(_this(run, shard), shards.c.attempt == shard.attempt)
    with ledger.read() as tx:
        beat_at = tx.execute(beat).scalar()
        return 0.0 if beat_at is None else max(0.0, ledger.now_in(tx) - beat_at)


def is_done(ledger: Ledger, run: Run, shard: Shard) -> bool:
    """Whether every batch of a shard is closed."""
    within = batches.c.slice_no.between(shard.first_slice, shard.last_slice)
    left = select(batches.c.seq).where(batches.c.run_seq == run.seq, within, batches.c.state.in_(UNFINISHED))
    with ledger.read() as tx:
        return tx.execute(left.limit(1)).first() is None


def unsent_batches(ledger: Ledger, run: Run, shard: Shard) -> int:
    """Return how many batches of a shard were never sent, or wait for another batch."""
    within = batches.c.slice_no.between(shard.first_slice, shard.last_slice)
    unsent = batches.c.state.in_([State.PLANNED, State.HELD])
    query = select(func.count()).select_from(batches).where(batches.c.run_seq == run.seq, within, unsent)
    with ledger.read() as tx:
        return tx.execute(query).scalar_one()


def _this(run: Run, shard: Shard) -> ColumnElement[bool]:
    return (shards.c.run_seq == run.seq) & (shards.c.first_slice == shard.first_slice)

"""The gate: every batch passes it, in the transaction that writes SENDING. It keeps the order of a client's data.

1. Only the holder of the client's lease may send.
2. A customer in another open batch of the client is held until that batch has settled. If an answer was lost, ARM may
   hold a batch that we do not know about. Newer data of its customers is held until the ghost horizon has passed,
   whatever the outcome of later attempts (assumed: by then the batch is applied or gone).
3. Fields that a batch of newer data has sent for the customer are left out. Newer means a higher `data_seq`, not a
   later time; data that was never sent does not count.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, or_, select

from armrest.model import merged
from armrest.outbox.batches import SENDABLE, Batch, State, lines_of, transition
from armrest.outbox.ledger import Ledger, batches, customers, runs
from armrest.outbox.outbox import Outbox
from armrest.outbox.runs import Run
from armrest.outbox.sending.in_flight import is_open, maybe_applied
from armrest.outbox.sending.leases import Lease
from armrest.outbox.sending.split_batch import mark_parts_in_doubt, read_customers, split, supersede


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """A batch that is SENDING, and the bytes to send."""

    batch: Batch
    body: bytes


@dataclass(frozen=True, slots=True)
class _Conflicts:
    """By ordinal: the batch that holds a customer, and the mask of its fields that newer data has sent."""

    held_by: dict[int, str]
    newer: dict[int, int]

    def __bool__(self) -> bool:
        return bool(self.held_by or self.newer)


def begin(
    outbox: Outbox, run: Run, batch: Batch, lease: Lease, *, ghost_horizon_seconds: float
) -> OutgoingBatch | None:
    """Commit the intent to send a batch, and return what to send; None if it may not be sent as it is.

    With None, the batch is HELD, or SPLIT into a part that may be sent and a part that is held, or closed because newer
    data has superseded all of it.

    Raises:
        LeaseLost: Another run has taken over the client.
        BodyUnusable: The body is gone or damaged.
    """
    body = outbox.bodies.read(batch.body)
    leaving = begin_if_clear(outbox.ledger, batch, body, lease, ghost_horizon_seconds=ghost_horizon_seconds)
    return leaving or begin_with_conflicts(outbox, run, batch, lease, ghost_horizon_seconds=ghost_horizon_seconds)


def begin_with_conflicts(
    outbox: Outbox, run: Run, batch: Batch, lease: Lease, *, ghost_horizon_seconds: float
) -> OutgoingBatch | None:
    """Like `begin`, for a batch with conflicts: customers without one are split into a batch that may be sent."""
    with outbox.ledger.write() as tx:
        lease.assert_current(tx)
        conflicts = _conflicts(tx, batch, outbox.ledger.now_in(tx) - ghost_horizon_seconds)
        if conflicts and len(conflicts.held_by) == len(lines_of(tx, batch)):
            held_by = min(conflicts.held_by.values())
            transition(
                tx, batch, {"state": State.HELD, "held_by": held_by, **mark_parts_in_doubt(batch)}, expected=SENDABLE
            )
            return None
    if not conflicts:  # the conflicts are gone by now
        return begin(outbox, run, batch, lease, ghost_horizon_seconds=ghost_horizon_seconds)
    if conflicts.held_by:
        _hold(outbox, run, batch, conflicts.held_by)
        return None
    fresher = supersede(outbox, run, batch, conflicts.newer)
    if fresher.state not in SENDABLE:
        return None
    return begin(outbox, run, fresher, lease, ghost_horizon_seconds=ghost_horizon_seconds)


def begin_if_clear(
    ledger: Ledger, batch: Batch, body: bytes, lease: Lease, *, ghost_horizon_seconds: float
) -> OutgoingBatch | None:
    """Commit the intent to send a batch if it has no conflicts; otherwise return None and write nothing.

    Suitable for a group commit: it reads and writes nothing but the ledger.

    Raises:
        LeaseLost: Another run has taken over the client.
    """
    with ledger.write() as tx:
        lease.assert_current(tx)
        now = ledger.now_in(tx)
        if _conflicts(tx, batch, now - ghost_horizon_seconds):
            return None
        return OutgoingBatch(_intent(tx, batch, now), body)


def _intent(tx: Connection, batch: Batch, now: float) -> Batch:
    attempt: dict[str, Any] = {"state": State.SENDING, "attempts": batch.attempts + 1}
    attempt |= {"sent_at": batch.sent_at or now, "last_sent_at": now}
    transition(tx, batch, {"held_by": None, **mark_parts_in_doubt(batch), **attempt}, expected=SENDABLE)
    return replace(batch, doubtful=batch.may_have_arrived, **attempt)


def _hold(outbox: Outbox, run: Run, batch: Batch, held_by: Mapping[int, str]) -> None:
    people = read_customers(outbox, batch)
    free = [one for one in people if one[0].ordinal not in held_by]
    held = [one for one in people if one[0].ordinal in held_by]
    split(outbox, run, batch, [free, held], held={1: min(held_by.values())})


def _conflicts(tx: Connection, batch: Batch, horizon: float) -> _Conflicts:
    about = {"client_id": batch.client_id, "run_seq": batch.run_seq, "data_seq": batch.data_seq, "horizon": horizon}
    if tx.execute(_ANY, about).first() is None:
        return _Conflicts({}, {})
    mine = {"batch_seq": batch.seq, "first_ordinal": batch.first_ordinal, "last_ordinal": batch.last_ordinal}
    held_by: dict[int, str] = {}
    carried: dict[int, list[int]] = defaultdict(list)
    for row in tx.execute(_CONFLICTS, {**about, **mine}):
        if row.in_flight:
            uuid = f", batchUuid {row.batch_uuid}" if row.batch_uuid else ""
            held_by[row.ordinal] = f"batch {row.seq} of run {row.run_id}{uuid}"
        elif row.newer and row.fields & row.my_fields:
            carried[row.ordinal].append(row.fields & row.my_fields)
    return _Conflicts(held_by, {ordinal: merged(masks) for ordinal, masks in carried.items()})


def _queries() -> tuple[Select[Any], Select[Any]]:
    """Return two queries, built once: whether any batch may conflict, and for which customers one does."""
    other, mine, theirs = batches.alias("other"), customers.alias("mine"), customers.alias("theirs")
    run_seq: BindParameter[int] = bindparam("run_seq")
    data_seq: BindParameter[int] = bindparam("data_seq")
    horizon: BindParameter[float] = bindparam("horizon")
    still_open = is_open(other, horizon)
    ghost = and_(maybe_applied(other, horizon), other.c.data_seq < data_seq)
    newer = and_(other.c.data_seq > data_seq, other.c.sent_at.is_not(None))
    elsewhere = and_(other.c.client_id == bindparam("client_id"), other.c.run_seq != run_seq)
    of_client = and_(elsewhere, or_(still_open, ghost, newer))
    in_flight = or_(and_(still_open, theirs.c.outcome.is_(None)), ghost)
    same_customer = and_(
        theirs.c.client_id == mine.c.client_id,
        func.lower(theirs.c.customer_no) == func.lower(mine.c.customer_no),
        theirs.c.run_seq != mine.c.run_seq,
    )
    conflicts = (
        select(mine.c.ordinal, mine.c.fields.label("my_fields"), theirs.c.fields, in_flight.label("in_flight"))
        .add_columns(newer.label("newer"), other.c.seq, other.c.batch_uuid, runs.c.run_id)
        .join_from(mine, theirs, same_customer)
        .join(other, and_(other.c.run_seq == theirs.c.run_seq, other.c.seq == theirs.c.batch_seq))
        .join(runs, runs.c.seq == other.c.run_seq)
        .where(mine.c.run_seq == run_seq, mine.c.batch_seq == bindparam("batch_seq"), mine.c.outcome.is_(None))
        .where(mine.c.ordinal.between(bindparam("first_ordinal"), bindparam("last_ordinal")), of_client)
        .where(or_(theirs.c.outcome.is_(None), theirs.c.outcome != "superseded"))
    )
    return select(other.c.seq).where(of_client).limit(1), conflicts


_ANY, _CONFLICTS = _queries()

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
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, or_, select

from armrest.model import merged
from armrest.outbox.batches import Batch
from armrest.outbox.ledger import (
    OPEN,
    SENDABLE,
    Ledger,
    State,
    batches,
    carried_by,
    current_lines,
    customers,
    enter_lines,
    key_of,
    pointed_to_by,
    runs,
)
from armrest.outbox.lines import lines_of
from armrest.outbox.outbox import Outbox
from armrest.outbox.runs import Run
from armrest.outbox.sending.in_flight import is_open, maybe_applied
from armrest.outbox.sending.leases import Lease
from armrest.outbox.sending.split_batch import mark_parts_in_doubt, read_customers, split, supersede
from armrest.outbox.transitions import transition


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
    enter_lines(tx, batch.lines)
    return replace(batch, doubtful=batch.may_have_arrived, **attempt)


def _hold(outbox: Outbox, run: Run, batch: Batch, held_by: Mapping[int, str]) -> None:
    lines = read_customers(outbox, batch)
    free = [line for line in lines if line[0].ordinal not in held_by]
    held = [line for line in lines if line[0].ordinal in held_by]
    split(outbox, run, batch, [free, held], held={1: min(held_by.values())})


def _conflicts(tx: Connection, batch: Batch, horizon: float) -> _Conflicts:
    about = {"client_id": batch.client_id, "run_seq": batch.run_seq, "data_seq": batch.data_seq, "horizon": horizon}
    if not any(tx.execute(query, about).first() for query in _ANY):
        return _Conflicts({}, {})
    held_by: dict[int, str] = {}
    newer_fields: dict[int, list[int]] = defaultdict(list)
    for row in tx.execute(_CONFLICTS, {**about, **batch.lines.as_values()}):
        if row.in_flight:
            uuid = f", batchUuid {row.batch_uuid}" if row.batch_uuid else ""
            held_by[row.ordinal] = f"batch {row.seq} of run {row.run_id}{uuid}"
        elif row.newer and row.fields & row.my_fields:
            newer_fields[row.ordinal].append(row.fields & row.my_fields)
    return _Conflicts(held_by, {ordinal: merged(masks) for ordinal, masks in newer_fields.items()})


_run_seq: Final[BindParameter[int]] = bindparam("run_seq")
_data_seq: Final[BindParameter[int]] = bindparam("data_seq")
_horizon: Final[BindParameter[float]] = bindparam("horizon")
_other: Final = batches.alias("other")
_STILL_OPEN: Final = is_open(_other, _horizon)
_GHOST: Final = and_(maybe_applied(_other, _horizon), _other.c.data_seq < _data_seq)
_NEWER: Final = and_(_other.c.data_seq > _data_seq, _other.c.sent_at.is_not(None))
_ELSEWHERE: Final = and_(_other.c.client_id == bindparam("client_id"), _other.c.run_seq != _run_seq)


def _any() -> tuple[Select[Any], ...]:
    """Return queries that find a batch that may conflict, if any. Each reads one range of one index.

    A run has thousands of open batches of its own, so those of other runs are looked up on both sides of them.
    """
    open_elsewhere = and_(_other.c.client_id == bindparam("client_id"), _other.c.state.in_(OPEN), _STILL_OPEN)
    return tuple(
        select(_other.c.seq).where(condition).limit(1)
        for condition in (
            and_(open_elsewhere, _other.c.run_seq < _run_seq),
            and_(open_elsewhere, _other.c.run_seq > _run_seq),
            and_(_ELSEWHERE, _GHOST),
            and_(_ELSEWHERE, _NEWER),
        )
    )


def _for_each_customer() -> Select[Any]:
    """Return the query for the customers of a batch that conflict. It looks each of them up in `current_lines`."""
    own, pointer, others = customers.alias("own"), current_lines.alias("pointer"), customers.alias("others")
    in_flight = or_(and_(_STILL_OPEN, others.c.outcome.is_(None)), _GHOST)
    same_customer = and_(
        pointer.c.client_id == own.c.client_id,
        pointer.c.customer_key == key_of(own),
        pointer.c.run_seq != own.c.run_seq,
    )
    return (
        select(own.c.ordinal, own.c.fields.label("my_fields"), others.c.fields, in_flight.label("in_flight"))
        .add_columns(_NEWER.label("newer"), _other.c.seq, _other.c.batch_uuid, runs.c.run_id)
        .select_from(own)
        .join(pointer, same_customer)
        .join(others, pointed_to_by(pointer, others))
        .join(_other, carried_by(others, _other))
        .join(runs, runs.c.seq == _other.c.run_seq)
        .where(own.c.run_seq == _run_seq, own.c.batch_seq == bindparam("batch_seq"), own.c.outcome.is_(None))
        .where(own.c.ordinal.between(bindparam("first_ordinal"), bindparam("last_ordinal")))
        .where(_ELSEWHERE, or_(_STILL_OPEN, _GHOST, _NEWER))
        .where(or_(others.c.outcome.is_(None), others.c.outcome != "superseded"))
    )


_ANY: Final = _any()
_CONFLICTS: Final = _for_each_customer()

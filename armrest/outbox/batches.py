"""Batches as the ledger has them, and the questions about them."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, union

from armrest.outbox.bodies import PURGED, BodyRef
from armrest.outbox.errors import BodyUnusable, UnknownBatch
from armrest.outbox.ledger import (
    SENDABLE,
    UNFINISHED,
    BatchLines,
    Ledger,
    State,
    batches,
    clients,
    runs,
)
from armrest.outbox.run_states import RunState
from armrest.outbox.runs import Run, Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One request body and its outcome. `customers` counts its lines; `seq` is its number in the run."""

    run_seq: int
    seq: int
    client_id: int
    data_seq: int
    slice_no: int
    parent_seq: int | None
    state: State
    customers: int
    failed: int
    superseded: int
    first_ordinal: int
    last_ordinal: int
    body: BodyRef
    batch_uuid: str | None
    attempts: int
    doubtful: bool
    sent_at: float | None
    last_sent_at: float | None
    accepted_at: float | None

    @property
    def sent_customers(self) -> int:
        """The number of customers in its body: all except the superseded ones."""
        return self.customers - self.superseded

    @property
    def lines(self) -> BatchLines:
        """Where its lines are."""
        return BatchLines(self.client_id, self.run_seq, self.seq, self.first_ordinal, self.last_ordinal)

    @property
    def may_have_arrived(self) -> bool:
        """Whether ARM may hold it without our knowledge: an answer was lost, or nobody waited for it."""
        return self.doubtful or self.state is State.SENDING


_SELECT_BATCH: Final = select(batches).where(
    batches.c.run_seq == bindparam("run_seq"), batches.c.seq == bindparam("seq")
)
"""Built once: building the statement takes longer than SQLite takes to run it."""


def read_batch(tx: Connection, run_seq: int, seq: int) -> Batch:
    """Return one batch of a run."""
    row = tx.execute(_SELECT_BATCH, {"run_seq": run_seq, "seq": seq}).first()
    if row is None:
        raise UnknownBatch(f"run number {run_seq} has no batch {seq}")
    return from_row(row)


def reload(ledger: Ledger, batch: Batch) -> Batch:
    """Return the current state of a batch from the ledger."""
    [row] = ledger.rows(_SELECT_BATCH, {"run_seq": batch.run_seq, "seq": batch.seq})
    return from_row(row)


def from_row(row: Any) -> Batch:
    """Return a batch from a row of the table."""
    columns = row._mapping  # noqa: SLF001  SQLAlchemy's public name for it
    values = {name: columns[name] for name in _COPIED_COLUMNS}
    ref = BodyRef(row.body_file, row.body_offset, row.body_length, bytes(row.body_sha256))
    return Batch(**values, body=ref, state=State(row.state), doubtful=bool(row.doubtful))


_COPIED_COLUMNS: Final = tuple(name for name in Batch.__slots__ if name not in {"body", "state", "doubtful"})


_LAST_SLICE: Final = 2**31 - 1
_IN: Final = (
    select(batches)
    .where(batches.c.run_seq == bindparam("run_seq"), batches.c.state.in_(bindparam("states", expanding=True)))
    .where(batches.c.slice_no.between(bindparam("first_slice"), bindparam("last_slice")))
    .order_by(batches.c.seq)
)
_STATES: Final = (
    select(batches.c.state, func.count())
    .where(batches.c.run_seq == bindparam("run_seq"), batches.c.slice_no == bindparam("slice_no"))
    .group_by(batches.c.state)
)


def batches_in(
    ledger: Ledger, run: Run, states: Collection[State], *, slice_no: int | None = None, shard: Shard | None = None
) -> list[Batch]:
    """Return a run's batches in one of these states, in order; of one slice, of a shard, or of all slices."""
    first, last = (shard.first_slice, shard.last_slice) if shard else (0, _LAST_SLICE)
    if slice_no is not None:
        first, last = max(first, slice_no), min(last, slice_no)
    about = {"run_seq": run.seq, "states": list(states), "first_slice": first, "last_slice": last}
    return [from_row(row) for row in ledger.rows(_IN, about)]


def count_states(ledger: Ledger, run: Run, slice_no: int) -> Counter[State]:
    """Count a slice's batches by their state."""
    counted = ledger.rows(_STATES, {"run_seq": run.seq, "slice_no": slice_no})
    return Counter({State(state): number for state, number in map(tuple, counted)})


def is_submitted(ledger: Ledger, run: Run, slice_no: int) -> bool:
    """Whether no batch of a slice is planned, held or in doubt."""
    return not count_states(ledger, run, slice_no).keys() & set(SENDABLE)


def is_closed(ledger: Ledger, run: Run, slice_no: int) -> bool:
    """Whether ARM has finished every batch of a slice."""
    return not count_states(ledger, run, slice_no).keys() & set(UNFINISHED)


def assert_sendable(ledger: Ledger, run: Run) -> None:
    """Check that no body that a run must still send was purged.

    Raises:
        BodyUnusable: One was purged.
    """
    for batch in batches_in(ledger, run, SENDABLE):
        if batch.body.file == PURGED:
            raise BodyUnusable(
                f"batch {batch.seq} of run {run.run_id} was purged before it was settled: send its source again"
            )


def open_elsewhere(ledger: Ledger, run: Run) -> list[Batch]:
    """Return the client's accepted batches that belong to other runs, the oldest first."""
    query = select(batches).where(
        batches.c.client_id == run.client_id, batches.c.state == State.ACCEPTED, batches.c.run_seq != run.seq
    )
    return [from_row(row) for row in ledger.rows(query.order_by(batches.c.run_seq, batches.c.seq), {})]


def unfinished_runs(ledger: Ledger, api_url: str) -> list[str]:
    """Return the ids of the runs that were sent to an API and are not finished, the oldest first.

    A run is not finished if a batch of it is not closed, or if its final state is not recorded yet.
    """
    asked_about = [state for state in RunState if state.is_asked_about]
    of_api = select(clients.c.id).where(clients.c.api_url == api_url)
    not_closed = select(batches.c.run_seq).where(batches.c.client_id.in_(of_api), batches.c.state.in_(UNFINISHED))
    end_unknown = select(runs.c.seq).where(runs.c.state.in_(asked_about))
    query = (
        select(runs.c.run_id)
        .where(runs.c.seq.in_(union(not_closed, end_unknown)))
        .where(runs.c.client_id.in_(of_api), runs.c.started_at.is_not(None))
    )
    with ledger.read() as tx:
        return list(tx.execute(query.order_by(runs.c.seq)).scalars())


def open_uuids(ledger: Ledger, api_url: str) -> set[str]:
    """Return the batchUuids of all batches that an API has accepted and not settled."""
    query = select(batches.c.batch_uuid).join(clients, clients.c.id == batches.c.client_id)
    with ledger.read() as tx:
        return set(tx.execute(query.where(clients.c.api_url == api_url, batches.c.state == State.ACCEPTED)).scalars())


def client_no_of(ledger: Ledger, batch: Batch) -> int:
    """Return the client number in ARM of a batch."""
    [row] = ledger.rows(select(clients.c.client_no).where(clients.c.id == batch.client_id), {})
    return int(row.client_no)


def has_been_accepted(ledger: Ledger, run: Run) -> bool:
    """Whether ARM has accepted any batch of this data from this user: in this run, its parents or its children."""
    query = (
        select(batches.c.seq)
        .join(runs, runs.c.seq == batches.c.run_seq)
        .where(batches.c.client_id == run.client_id, batches.c.data_seq == run.data_seq)
        .where(batches.c.batch_uuid.is_not(None), runs.c.user_id == run.user_id)
    )
    return bool(ledger.rows(query.limit(1), {}))

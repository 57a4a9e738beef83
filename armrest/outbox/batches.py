"""Batches and their lines, and every state transition of a batch except the first, which belongs to the gate."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select, union, update

from armrest.outbox.bodies import PURGED, BodyRef
from armrest.outbox.errors import BatchMoved, BodyUnusable, UnknownBatch
from armrest.outbox.ledger import (
    CLOSED,
    DONE,
    OPEN,
    SENDABLE,
    UNFINISHED,
    BatchLines,
    Ledger,
    State,
    archived_lines,
    attempts,
    batches,
    clients,
    customers,
    drop_covered,
    drop_superseded,
    runs,
)
from armrest.outbox.run_states import RunState
from armrest.outbox.runs import Fence, Run, Shard

NOT_SETTLED: Final = "not settled: "
"""Prefix of the message of a batch whose last answer contradicts success."""

BY_A_PERSON: Final = "accepted by a person's word"
"""Prefix of the message of a batch that a person has closed as settled."""


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


@dataclass(frozen=True, slots=True)
class Line:
    """One customer of a batch."""

    ordinal: int
    customer_no: str
    fields: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line's own outcome, `failed` or `superseded`, and the reason, which holds no personal data."""

    outcome: str
    reason: str


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


def lines_of(tx: Connection, batch: Batch) -> list[Line]:
    """Return the lines without an outcome of their own, in the order of the body."""
    return _lines(tx, batch, {None})


def lines_in_body(tx: Connection, batch: Batch) -> list[Line]:
    """Return the lines in a batch's body, in its order: all except the superseded ones."""
    return _lines(tx, batch, {None, "failed"})


def _lines(tx: Connection, batch: Batch, outcomes: Collection[str | None]) -> list[Line]:
    """Return the lines with one of these outcomes of their own, in order, archived ones among them."""
    c = customers.c
    rows = tx.execute(select(c.ordinal, c.customer_no, c.fields, c.outcome).where(_with(batch)))
    lines = [Line(*row[:3]) for row in rows if row.outcome in outcomes]
    if len(lines) < batch.customers and batch.state in DONE:
        archive = archived_lines(tx, batch.run_seq, first=batch.first_ordinal, last=batch.last_ordinal)
        lines += [
            Line(line.ordinal, line.customer_no, line.fields)
            for line in archive
            if line.batch_seq == batch.seq and line.outcome in outcomes
        ]
    return sorted(lines, key=attrgetter("ordinal"))


def _with(batch: Batch) -> ColumnElement[bool]:
    c = customers.c
    within = c.ordinal.between(batch.first_ordinal, batch.last_ordinal)
    return and_(c.run_seq == batch.run_seq, within, c.batch_seq == batch.seq)


def has_been_accepted(ledger: Ledger, run: Run) -> bool:
    """Whether ARM has accepted any batch of this data from this user: in this run, its parents or its children."""
    query = (
        select(batches.c.seq)
        .join(runs, runs.c.seq == batches.c.run_seq)
        .where(batches.c.client_id == run.client_id, batches.c.data_seq == run.data_seq)
        .where(batches.c.batch_uuid.is_not(None), runs.c.user_id == run.user_id)
    )
    return bool(ledger.rows(query.limit(1), {}))


def accept(
    ledger: Ledger,
    batch: Batch,
    *,
    batch_uuid: str,
    get_result: str | None,
    status: str,
    result: str,
    accepted_at: float | None = None,
) -> None:
    """Commit a batchUuid: from now on the batch is acknowledged and never sent again. Safe to repeat.

    It is repeated if a connection was lost during the commit, when nobody can tell whether that has happened.

    Args:
        accepted_at: When ARM accepted it, in seconds since 1970; None: now.

    Raises:
        BatchMoved: The batch was sent again, or closed under another batchUuid.
    """
    values = {
        "state": State.ACCEPTED,
        "batch_uuid": batch_uuid,
        "get_result": get_result,
        "status": status,
        "result": result,
        "message": "",
        "accepted_at": ledger.now() if accepted_at is None else accepted_at,
    }
    with ledger.write() as tx:
        try:
            transition(tx, batch, values, expected=(State.SENDING,))
        except BatchMoved:
            if read_batch(tx, batch.run_seq, batch.seq).batch_uuid != batch_uuid:
                raise


def revert_to_planned(ledger: Ledger, batch: Batch, message: str, *, last_sent_at: float | None = None) -> None:
    """Revert the intent: ARM certainly did not accept the batch, unless an earlier attempt is in doubt.

    Args:
        last_sent_at: When the earlier attempt left, in seconds since 1970; None: as the ledger has it.
    """
    values: dict[str, Any] = {"message": message}
    if not batch.doubtful:
        values |= {"state": State.PLANNED, "sent_at": None, "last_sent_at": None}
    elif last_sent_at is not None:
        values |= {"last_sent_at": last_sent_at}
    _write(ledger, batch, values, expected=(State.SENDING,))


def mark_in_doubt(ledger: Ledger, batch: Batch, message: str) -> None:
    """Record that ARM may have accepted an attempt without our knowledge; the batch stays SENDING."""
    _write(ledger, batch, {"doubtful": 1, "message": message}, expected=(State.SENDING,))


_RECORD_STATUS: Final = update(batches).where(
    batches.c.run_seq == bindparam("in_run"),
    batches.c.seq == bindparam("numbered"),
    batches.c.attempts == bindparam("tried"),
    or_(*(batches.c.state == state for state in UNFINISHED)),  # executemany does not support IN
)


def record_status(ledger: Ledger, batch: Batch, *, status: str, result: str, message: str) -> None:
    """Queue ARM's latest status of a batch for the next transaction; it is ignored if the batch has closed by then."""
    as_known = {"in_run": batch.run_seq, "numbered": batch.seq, "tried": batch.attempts}
    ledger.write_along(_RECORD_STATUS, {"status": status, "result": result, "message": message, **as_known})


def close_batch(
    ledger: Ledger, batch: Batch, verdicts: Mapping[int, Verdict], *, status: str, result: str, message: str
) -> None:
    """Close a batch that ARM has finished: the lines in `verdicts` (by ordinal) failed, the others are updated."""
    with ledger.write() as tx:
        words = {"status": status, "result": result, "message": message}
        _close(tx, batch, verdicts, words, settled_at=ledger.now(), expected=(*OPEN, State.PLANNED))


def _close(
    tx: Connection,
    batch: Batch,
    verdicts: Mapping[int, Verdict],
    words: Mapping[str, str],
    *,
    settled_at: float,
    expected: Sequence[State],
) -> None:
    """Close a batch; a customer that an earlier answer named as failed stays failed, whatever a later answer says."""
    write_outcomes(tx, batch, verdicts)
    failed = len(verdicts)
    if read_batch(tx, batch.run_seq, batch.seq).failed:
        failed = len(_lines(tx, batch, {"failed"}))
    whole = failed == batch.sent_customers
    state = (State.FAILED if whole else State.PARTLY_FAILED) if failed else State.SETTLED
    transition(tx, batch, {"state": state, "failed": failed, **words, "settled_at": settled_at}, expected=expected)


def mark_failed(ledger: Ledger, batch: Batch, verdicts: Mapping[int, Verdict]) -> None:
    """Record that some customers of a batch have failed, while the batch and the others stay open.

    Newer data of the failed customers may be sent at once, and a rerun may send them again.
    """
    with ledger.write() as tx:
        open_lines = {line.ordinal for line in lines_of(tx, batch)}
        fresh = {ordinal: verdict for ordinal, verdict in verdicts.items() if ordinal in open_lines}
        if fresh:
            write_outcomes(tx, batch, fresh)
            failed = len(_lines(tx, batch, {"failed"}))
            transition(tx, batch, {"state": State.ACCEPTED, "failed": failed}, expected=(State.ACCEPTED,))


def accept_by_person(ledger: Ledger, batch: Batch, *, by: str, reason: str) -> State:
    """Close, on a person's word, a batch that ARM has accepted; return its state. Who, when and why is recorded.

    Customers that ARM has named as failed stay failed.

    Raises:
        BatchMoved: The batch is closed already.
    """
    now, said = ledger.now(), f"{BY_A_PERSON} ({by}): {reason}"
    with ledger.write() as tx:
        _close(tx, batch, {}, {"message": said}, settled_at=now, expected=(State.ACCEPTED,))
        declared = {"what": "ACCEPT", "outcome": "declared", "evidence": f"{by}: {reason}"}
        tx.execute(insert(attempts).values(run_seq=batch.run_seq, batch_seq=batch.seq, at=now, **declared))
        return read_batch(tx, batch.run_seq, batch.seq).state


def fail_batch(
    ledger: Ledger, batch: Batch, reason: str, *, named: Mapping[int, Verdict], status: str, result: str, message: str
) -> None:
    """Close a batch that ARM refused as a whole: lines in `named` have their own reasons, the others share one."""
    with ledger.write() as tx:
        rest = {line.ordinal: Verdict("failed", reason) for line in lines_of(tx, batch)}
        write_outcomes(tx, batch, {**rest, **named})
        values = {"state": State.FAILED, "failed": batch.sent_customers, "settled_at": ledger.now()}
        words = {"status": status, "result": result, "message": message}
        transition(tx, batch, {**values, **words}, expected=(*OPEN, State.PLANNED))


def declare_lost(ledger: Ledger, batch: Batch, message: str, *, fence: Fence | None = None) -> None:
    """Give up an open batch because of its age or on a person's word; a rerun may send its customers again.

    Args:
        fence: `Unheld`, if a run may have begun to send for the client.

    Raises:
        BatchMoved: The batch is closed, or was sent again.
        LeaseHeld: A run is sending for the client.
    """
    now = ledger.now()
    words = {"what": "LOST", "outcome": "declared", "evidence": message}
    with ledger.write() as tx:
        if fence:
            fence.assert_current(tx)
        transition(tx, batch, {"state": State.LOST, "message": message, "settled_at": now}, expected=OPEN)
        tx.execute(insert(attempts).values(run_seq=batch.run_seq, batch_seq=batch.seq, at=now, **words))


def write_outcomes(tx: Connection, batch: Batch, verdicts: Mapping[int, Verdict]) -> None:
    """Write the outcomes of single lines; the caller updates the counts of their batch."""
    if verdicts:
        judged = [{"ordinal_": place, "outcome": v.outcome, "reason": v.reason} for place, v in verdicts.items()]
        where = and_(customers.c.run_seq == batch.run_seq, customers.c.ordinal == bindparam("ordinal_"))
        tx.execute(
            update(customers).where(where).values(outcome=bindparam("outcome"), reason=bindparam("reason")), judged
        )
        if any(verdict.outcome == "superseded" for verdict in verdicts.values()):
            drop_superseded(tx, batch.lines)


def _write(ledger: Ledger, batch: Batch, values: Mapping[str, Any], *, expected: Sequence[State]) -> None:
    with ledger.write() as tx:
        transition(tx, batch, values, expected=expected)


_TRANSITION: Final = update(batches).where(
    batches.c.run_seq == bindparam("in_run"),
    batches.c.seq == bindparam("numbered"),
    batches.c.attempts == bindparam("tried"),
    batches.c.state.in_(bindparam("expected", expanding=True)),
)


def transition(tx: Connection, batch: Batch, values: Mapping[str, Any], *, expected: Sequence[State]) -> None:
    """Move a batch to another state, but only from one of the expected states and for its latest attempt.

    Another process may have been faster: a holder that wakes up after a takeover knows only an older attempt. A batch
    that is closed covers what is known of its customers from earlier; the outcomes of its lines must be written before.

    Raises:
        BatchMoved: Another process has moved the batch.
    """
    as_known = {"in_run": batch.run_seq, "numbered": batch.seq, "tried": batch.attempts, "expected": list(expected)}
    if tx.execute(_TRANSITION, {**values, **as_known}).rowcount != 1:
        now = read_batch(tx, batch.run_seq, batch.seq).state
        raise BatchMoved(f"batch {batch.seq} is {now} by now and cannot become {values.get('state', now)}")
    if values.get("state") in CLOSED:
        drop_covered(tx, batch.lines)

"""Every state transition of a batch except the first, which belongs to the gate."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, or_, update

from armrest.outbox.batches import Batch, read_batch
from armrest.outbox.errors import BatchMoved
from armrest.outbox.ledger import CLOSED, OPEN, UNFINISHED, Ledger, State, attempts, batches, drop_covered
from armrest.outbox.lines import Verdict, lines_of, lines_with, write_outcomes
from armrest.outbox.runs import Fence

NOT_SETTLED: Final = "not settled: "
"""Prefix of the message of a batch whose last answer contradicts success."""

BY_A_PERSON: Final = "accepted by a person's word"
"""Prefix of the message of a batch that a person has closed as settled."""


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
        failed = len(lines_with(tx, batch, {"failed"}))
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
            failed = len(lines_with(tx, batch, {"failed"}))
            transition(tx, batch, {"state": State.ACCEPTED, "failed": failed}, expected=(State.ACCEPTED,))


def accept_by_person(ledger: Ledger, batch: Batch, *, by: str, reason: str) -> State:
    """Close, on a person's word, a batch that ARM has accepted; return its state. Who, when and why is recorded.

    Customers that ARM has named as failed stay failed.

    Raises:
        BatchMoved: The batch is closed already.
    """
    now, detail = ledger.now(), f"{BY_A_PERSON} ({by}): {reason}"
    with ledger.write() as tx:
        _close(tx, batch, {}, {"message": detail}, settled_at=now, expected=(State.ACCEPTED,))
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

"""Make new bodies from a stored one: split a batch, or remove the fields that newer data has superseded.

The customers of a body are the batch's lines except the superseded ones, in the same order; this is checked each time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, select, update

from armrest.model import customers_in, envelope, mask_of, without
from armrest.outbox.batches import Batch, read_batch
from armrest.outbox.bodies import BodyRef
from armrest.outbox.errors import BodyUnusable
from armrest.outbox.ledger import SENDABLE, State, batches, customers
from armrest.outbox.lines import Line, Verdict, lines_in_body, write_outcomes
from armrest.outbox.outbox import Outbox
from armrest.outbox.runs import Run
from armrest.outbox.transitions import transition

Opened = list[tuple[Line, dict[str, Any]]]


def read_customers(outbox: Outbox, batch: Batch) -> Opened:
    """Return a batch's lines, each with its customer from the body.

    Raises:
        BodyUnusable: The body is gone, or does not match the ledger.
    """
    records = customers_in(outbox.bodies.read(batch.body))
    lines = _lines_in_body(outbox, batch)
    if [line.customer_no for line in lines] != [customer["customerNo"] for customer in records]:
        raise BodyUnusable(f"batch {batch.seq} and its body hold different customers: nothing of it is sent")
    return list(zip(lines, records, strict=True))


def read_customers_or_numbers(outbox: Outbox, batch: Batch) -> Opened:
    """Like `read_customers`; if the body is gone, return only the number of each customer."""
    try:
        return read_customers(outbox, batch)
    except BodyUnusable:
        return [(line, {"customerNo": line.customer_no}) for line in _lines_in_body(outbox, batch)]


def _lines_in_body(outbox: Outbox, batch: Batch) -> list[Line]:
    with outbox.ledger.read() as tx:
        return lines_in_body(tx, batch)


def split(
    outbox: Outbox, run: Run, batch: Batch, groups: Sequence[Opened], *, held: Mapping[int, str] | None = None
) -> list[Batch]:
    """Replace a batch by new ones, one for each group of its customers, and return them; it becomes SPLIT.

    Args:
        held: For the groups (by index) that may not be sent yet: the batch that holds their customers.
    """
    held = held or {}
    with outbox.bodies.writer(run.run_id) as writer:
        refs = [writer.write(_body(run, [customer for _, customer in group])) for group in groups]
    with outbox.ledger.write() as tx:
        first_seq = tx.execute(select(func.max(batches.c.seq)).where(batches.c.run_seq == run.seq)).scalar_one() + 1
        for index, (group, ref) in enumerate(zip(groups, refs, strict=True)):
            _add_part(tx, batch, first_seq + index, [line for line, _ in group], ref, held_by=held.get(index))
        values = {"state": State.SPLIT, "customers": batch.superseded}
        transition(tx, batch, values, expected=SENDABLE)
        return [read_batch(tx, run.seq, first_seq + index) for index in range(len(groups))]


def _add_part(
    tx: Connection, parent: Batch, seq: int, lines: Sequence[Line], ref: BodyRef, *, held_by: str | None
) -> None:
    tx.execute(
        insert(batches).values(
            run_seq=parent.run_seq,
            seq=seq,
            client_id=parent.client_id,
            data_seq=parent.data_seq,
            slice_no=parent.slice_no,
            parent_seq=parent.seq,
            state=State.HELD if held_by else State.PLANNED,
            held_by=held_by,
            **mark_parts_in_doubt(parent),
            customers=len(lines),
            first_ordinal=lines[0].ordinal,
            last_ordinal=lines[-1].ordinal,
            **_columns(ref),
        )
    )
    moved = [{"ordinal_": line.ordinal, "batch_seq": seq} for line in lines]
    tx.execute(update(customers).where(_line_of(parent)).values(batch_seq=bindparam("batch_seq")), moved)


def mark_parts_in_doubt(batch: Batch) -> dict[str, Any]:
    """Return the columns that pass on to the parts of a batch that ARM may already hold its customers."""
    if not batch.may_have_arrived:
        return {}
    return {"doubtful": 1, "sent_at": batch.sent_at, "last_sent_at": batch.last_sent_at}


def supersede(outbox: Outbox, run: Run, batch: Batch, newer: Mapping[int, int]) -> Batch:
    """Remove the fields (masks by ordinal) that newer data has sent; return the new state of the batch.

    A customer with no field left is superseded; a batch with no customer left is closed.
    """
    remaining, verdicts = [], {}
    for line, customer in read_customers(outbox, batch):
        if line.fields & ~newer.get(line.ordinal, 0):
            remaining.append((line, without(customer, newer.get(line.ordinal, 0))))
        else:
            verdicts[line.ordinal] = Verdict("superseded", "a newer run has carried all of its fields")
    values = mark_parts_in_doubt(batch) | {"superseded": batch.superseded + len(verdicts)}
    if remaining:
        with outbox.bodies.writer(run.run_id) as writer:
            values |= _columns(writer.write(_body(run, [customer for _, customer in remaining])))
    else:
        values |= {"state": State.SETTLED, "settled_at": outbox.ledger.now()}
    with outbox.ledger.write() as tx:
        write_outcomes(tx, batch, verdicts)
        if changed := [
            {"ordinal_": line.ordinal, "fields": mask_of(customer)}
            for line, customer in remaining
            if line.ordinal in newer
        ]:
            tx.execute(
                update(customers).where(_line_of(batch)).values(fields=bindparam("fields"), fingerprint=None), changed
            )
        transition(tx, batch, values, expected=SENDABLE)
        return read_batch(tx, batch.run_seq, batch.seq)


def _line_of(batch: Batch) -> ColumnElement[bool]:
    return and_(customers.c.run_seq == batch.run_seq, customers.c.ordinal == bindparam("ordinal_"))


def _body(run: Run, records: Sequence[Mapping[str, Any]]) -> bytes:
    return envelope(run.user_id, map(orjson.dumps, records))


def _columns(ref: BodyRef) -> dict[str, Any]:
    return {
        "body_file": ref.file,
        "body_offset": ref.offset,
        "body_length": ref.length,
        "body_sha256": ref.sha256,
    }

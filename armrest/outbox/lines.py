"""The lines of a batch, one for each customer, and their own outcomes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import ColumnElement, Connection, and_, bindparam, select, update

from armrest.outbox.batches import Batch
from armrest.outbox.ledger import DONE, archived_lines, customers, drop_superseded


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


def lines_of(tx: Connection, batch: Batch) -> list[Line]:
    """Return the lines without an outcome of their own, in the order of the body."""
    return lines_with(tx, batch, {None})


def lines_in_body(tx: Connection, batch: Batch) -> list[Line]:
    """Return the lines in a batch's body, in its order: all except the superseded ones."""
    return lines_with(tx, batch, {None, "failed"})


def lines_with(tx: Connection, batch: Batch, outcomes: Collection[str | None]) -> list[Line]:
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

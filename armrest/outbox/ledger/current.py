"""The lines that still matter: what is known of each customer now, apart from everything that has happened.

`current_lines` only points to lines; what is true of them is in `customers` and `batches`. So it never disagrees with
them, and a question about a customer reads a few lines of it, however long its history is.

A line enters in the transaction that writes the intent to send it. It leaves in the transaction that closes a batch,
once a newer line covers it: one that answers every question about the customer as the older one would. Covering is a
strict partial order, so the lines that stay are the same in whatever order batches close. Reasons, and what the rules
rest on: docs/decisions/0089-current-lines.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
)

from armrest.outbox.ledger.batch_states import CLOSED, State
from armrest.outbox.ledger.schema import batches, current_lines, customers, runs

LONGEST_DOUBT_SECONDS: Final = 604_800.0
"""A week: the longest ghost horizon that can be set, and so the longest time for which a doubt holds newer data."""


@dataclass(frozen=True, slots=True)
class BatchLines:
    """The lines of one batch: those of the run within the range that name the batch."""

    client_id: int
    run_seq: int
    batch_seq: int
    first_ordinal: int
    last_ordinal: int

    def as_values(self) -> dict[str, int]:
        """Return the values of the statements' parameters."""
        return {name: getattr(self, name) for name in self.__slots__}


def key_of(table: Any) -> ColumnElement[str]:
    """Return the key of a line's or a rejected row's customer.

    Args:
        table: `customers` or `rejects`, or an alias of it.
    """
    key: ColumnElement[str] = func.coalesce(table.c.customer_key, table.c.customer_no)
    return key


def pointed_to_by(pointer: Any, line: Any) -> ColumnElement[bool]:
    """Join a row of `current_lines` with its line."""
    return and_(line.c.run_seq == pointer.c.run_seq, line.c.ordinal == pointer.c.ordinal)


def carried_by(line: Any, batch: Any) -> ColumnElement[bool]:
    """Join a line with its batch."""
    return and_(batch.c.run_seq == line.c.run_seq, batch.c.seq == line.c.batch_seq)


def enter_lines(tx: Connection, lines: BatchLines) -> None:
    """Let the lines of a batch that is about to be sent count; safe to repeat."""
    tx.execute(_entering(tx.dialect.name), lines.as_values())


def drop_covered(tx: Connection, lines: BatchLines) -> None:
    """Remove what the lines of a batch that has just closed cover, and those of its lines that are covered."""
    values = lines.as_values()
    _remove(tx, _OLDER, values)
    if tx.execute(_NEWEST_RUN, {"client_id": lines.client_id}).scalar_one() > lines.run_seq:
        _remove(tx, _OWN, values)


def drop_superseded(tx: Connection, lines: BatchLines) -> None:
    """Remove the superseded lines of a batch: they were never sent, or newer data has replaced all of them."""
    _remove(tx, _SUPERSEDED, lines.as_values())


def covers(newer: Any, newer_batch: Any, older: Any, older_batch: Any) -> ColumnElement[bool]:
    """Whether a line of the same customer answers every question as an older line would, from now on.

    - It is newer in every sense: by run, by the age of its data, and by when it was sent.
    - It carries every field of the older one.
    - Both batches are closed, so that nothing about the two lines changes any more.
    - The older one holds nothing back: it is not in doubt, or its doubt has ended before the newer one was sent.
    - ARM may hold the newer one, unless ARM does not hold the older one either: a customer that was refused last night
      is still known by what settled before.

    A line that was taken back before ARM could have it needs only the first two: it counts again when it is sent again.

    Differences are compared with 0, since PostgreSQL would otherwise look for the batch by the age of its data: it
    expects nothing that is newer than its statistics.

    Args:
        newer, older: Aliases of `customers`, joined by the customer's key.
        newer_batch, older_batch: Aliases of `batches`, joined with their lines.
    """
    n, nb, o, ob = newer.c, newer_batch.c, older.c, older_batch.c
    is_replaced = and_(
        ob.state.in_(CLOSED),
        nb.sent_at - ob.sent_at >= 0,
        or_(ob.doubtful == 0, ob.state == State.LOST, nb.sent_at > ob.last_sent_at + LONGEST_DOUBT_SECONDS),
        or_(_may_be_held(newer, newer_batch), ~_may_be_held(older, older_batch)),
    )
    return and_(
        n.run_seq > o.run_seq,
        nb.data_seq - ob.data_seq >= 0,
        n.fields.bitwise_and(o.fields) == o.fields,
        _was_sent(newer, newer_batch),
        nb.state.in_(CLOSED),
        or_(ob.sent_at.is_(None), is_replaced),
    )


def _may_be_held(line: Any, batch: Any) -> ColumnElement[bool]:
    """Whether ARM has not refused a closed line, and its batch is not lost."""
    return and_(line.c.outcome.is_(None), batch.c.state != State.LOST)


def _was_sent(line: Any, batch: Any) -> ColumnElement[bool]:
    """Whether a line was sent, and not superseded."""
    meant = or_(line.c.outcome.is_(None), line.c.outcome != "superseded")
    return and_(batch.c.sent_at.is_not(None), meant)


def _in_batch(line: Any) -> ColumnElement[bool]:
    return and_(
        line.c.run_seq == bindparam("run_seq"),
        line.c.ordinal.between(bindparam("first_ordinal"), bindparam("last_ordinal")),
        line.c.batch_seq == bindparam("batch_seq"),
    )


_PRIMARY_KEY: Final = ("client_id", "customer_key", "run_seq", "ordinal")
_line: Final = customers.alias("line")


def _identity(line: Any) -> tuple[Any, ...]:
    return (line.c.client_id, key_of(line), line.c.run_seq, line.c.ordinal)


@cache
def _entering(dialect: str) -> Any:
    lines = select(*_identity(_line)).where(_in_batch(_line), _line.c.outcome.is_(None))
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert
    return insert(current_lines).from_select(list(_PRIMARY_KEY), lines).on_conflict_do_nothing()


def _remove(tx: Connection, chosen: Select[Any], values: Mapping[str, int]) -> None:
    """Remove the chosen pointers. SQLite would search all pointers of the client to remove them by a subquery."""
    if tx.dialect.name == "postgresql":
        columns = (current_lines.c[name] for name in _PRIMARY_KEY)
        tx.execute(delete(current_lines).where(tuple_(*columns).in_(chosen)), values)
        return
    pointers = [tuple(row) for row in tx.execute(chosen, values)]
    if pointers:
        tx.exec_driver_sql(_REMOVE, pointers)  # SQLAlchemy's own executemany costs more than the rest


def _covered_pairs(pointers: Any, *, closing: str) -> Select[Any]:
    """Select the pointers to remove when a batch closes: `closing` says on which side of a pair its lines are."""
    newer, older = customers.alias("newer"), customers.alias("older")
    newer_batch, older_batch = batches.alias("newer_batch"), batches.alias("older_batch")
    closed, other = (newer, older) if closing == "newer" else (older, newer)
    same_customer = and_(pointers.c.client_id == closed.c.client_id, pointers.c.customer_key == key_of(closed))
    earlier = pointers.c.run_seq < closed.c.run_seq
    later = pointers.c.run_seq > closed.c.run_seq
    return (
        select(*(_pointer_columns(pointers) if closing == "newer" else _identity(older)))
        .select_from(closed)
        .join(pointers, and_(same_customer, earlier if closing == "newer" else later))
        .join(other, pointed_to_by(pointers, other))
        .join(newer_batch, carried_by(newer, newer_batch))
        .join(older_batch, carried_by(older, older_batch))
        .where(_in_batch(closed), covers(newer, newer_batch, older, older_batch))
    )


def _pointer_columns(pointers: Any) -> tuple[Any, ...]:
    return tuple(pointers.c[name] for name in _PRIMARY_KEY)


_OLDER: Final = _covered_pairs(current_lines.alias("pointer"), closing="newer")
_OWN: Final = _covered_pairs(current_lines.alias("pointer"), closing="older")
_SUPERSEDED: Final = select(*_identity(_line)).where(_in_batch(_line), _line.c.outcome == "superseded")
_REMOVE: Final = f"DELETE FROM current_lines WHERE {' AND '.join(f'{name} = ?' for name in _PRIMARY_KEY)}"  # noqa: S608
_NEWEST_RUN: Final = select(func.max(runs.c.seq)).where(runs.c.client_id == bindparam("client_id"))


def fill_from_history(tx: Connection, target: Table) -> None:
    """Add the lines that still matter to an empty table of the same columns; one run after the other, the latest first.

    A line is covered only by lines of later runs, so none that was added has to be removed again.
    """
    sent = select(batches.c.run_seq).where(batches.c.sent_at.is_not(None)).distinct()
    statement = _uncovered_lines(target)
    for run_seq in tx.execute(sent.order_by(batches.c.run_seq.desc())).scalars().all():
        tx.execute(statement, {"run_seq": run_seq})


def _uncovered_lines(target: Table) -> Insert:
    """Return the statement that adds the lines of a run that were sent and that no line in the table covers."""
    newer, older = customers.alias("newer"), customers.alias("older")
    newer_batch, older_batch = batches.alias("newer_batch"), batches.alias("older_batch")
    pointer = target.alias("pointer")
    is_covered = (
        select(pointer.c.ordinal)
        .join(newer, pointed_to_by(pointer, newer))
        .join(newer_batch, carried_by(newer, newer_batch))
        .where(pointer.c.client_id == older.c.client_id, pointer.c.customer_key == key_of(older))
        .where(pointer.c.run_seq > older.c.run_seq, covers(newer, newer_batch, older, older_batch))
        .exists()
    )
    lines = select(*_identity(older)).join(older_batch, carried_by(older, older_batch))
    lines = lines.where(older.c.run_seq == bindparam("run_seq"), _was_sent(older, older_batch), ~is_covered)
    return insert(target).from_select(list(_PRIMARY_KEY), lines)

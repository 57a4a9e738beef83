"""Part of the step to version 3: customer keys, and the table of the lines that still matter."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    func,
    or_,
    select,
    text,
    update,
)

from armrest.model import customer_key
from armrest.outbox.ledger.current import fill_from_history
from armrest.outbox.ledger.schema import batches, current_lines, customers, rejects, runs

ROWS_AT_ONCE: Final = 10_000

_spellings: Final = Table(
    "spellings",
    MetaData(),
    Column("client_id", BigInteger, primary_key=True, autoincrement=False),
    Column("customer_key", Text, primary_key=True),
    Column("former_key", Text, primary_key=True),
    prefixes=["TEMPORARY"],
)
"""Of each number that is not ASCII: its key, and what the database took for its lower case before."""


def add_current_lines(tx: Connection) -> None:
    """Add what finds a customer without its history: keys, current lines, indexes of batches. Streams the lines."""
    for former in ("customers_by_number", "rejects_by_number", "batches_by_client_and_state"):
        tx.execute(text(f"DROP INDEX IF EXISTS {former}"))
    current_lines.create(tx, checkfirst=True)
    _spellings.create(tx)
    for table, place in ((customers, "ordinal"), (rejects, "row")):
        tx.execute(text(f"ALTER TABLE {table.name} ADD COLUMN customer_key TEXT"))
        _write_keys(tx, table, place)
    _withdraw_fingerprints(tx)
    _spellings.drop(tx)
    for table in (batches, runs):
        for index in table.indexes:
            index.create(tx, checkfirst=True)
    fill_from_history(tx, current_lines)


def _write_keys(tx: Connection, table: Table, place: str) -> None:
    key = update(table).where(table.c.run_seq == bindparam("in_run"), table.c[place] == bindparam("placed"))
    for run_seq in tx.execute(select(runs.c.seq).order_by(runs.c.seq)).scalars().all():
        for rows in _rows_that_may_differ(tx, table, place, run_seq):
            if table is customers:
                _note_spellings(tx, rows)
            changed = [
                {"in_run": run_seq, "placed": row[0], "key": customer_key(row.customer_no)}
                for row in rows
                if customer_key(row.customer_no) != row.customer_no
            ]
            if changed:
                tx.execute(key.values(customer_key=bindparam("key")), changed)


def _rows_that_may_differ(tx: Connection, table: Table, place: str, run_seq: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of a run whose number may not be its own key, in blocks."""
    number = table.c.customer_no
    is_not_ascii = func.octet_length(number) != func.char_length(number)
    if tx.dialect.name == "sqlite":
        is_not_ascii = func.length(cast(number, LargeBinary)) != func.length(number)
    query = (
        select(table.c[place], table.c.client_id, number, func.lower(number).label("former_key"))
        .where(table.c.run_seq == run_seq, table.c[place] > bindparam("after"))
        .where(or_(func.lower(number) != number, is_not_ascii))
        .order_by(table.c[place])
        .limit(ROWS_AT_ONCE)
    )
    after = -1
    while rows := tx.execute(query, {"after": after}).all():
        yield rows
        after = rows[-1][0]


def _note_spellings(tx: Connection, rows: Sequence[Any]) -> None:
    """Note what numbers that are not ASCII were taken for; if the key is ASCII, a number in ASCII may have it, too."""
    collisions = []
    for row in rows:
        if not row.customer_no.isascii():
            key = customer_key(row.customer_no)
            former_keys = {row.former_key, key} if key.isascii() else {row.former_key}
            collisions += [
                {"client_id": row.client_id, "customer_key": key, "former_key": former} for former in former_keys
            ]
    if collisions:
        dialect = import_module(f"sqlalchemy.dialects.{tx.dialect.name}")
        tx.execute(dialect.insert(_spellings).on_conflict_do_nothing(), collisions)


def _withdraw_fingerprints(tx: Connection) -> None:
    """Trust nothing of the customers that were taken for several: their data may have overtaken each other."""
    s, c = _spellings.c, customers.c
    collided = select(s.client_id, s.customer_key).group_by(s.client_id, s.customer_key).having(func.count() > 1)
    if tx.execute(collided.limit(1)).first() is None:
        return
    chosen = collided.subquery()
    key = func.coalesce(c.customer_key, c.customer_no)
    is_one = select(chosen.c.client_id).where(chosen.c.client_id == c.client_id, chosen.c.customer_key == key).exists()
    tx.execute(update(customers).where(is_one).values(fingerprint=None))

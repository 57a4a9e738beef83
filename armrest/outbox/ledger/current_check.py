"""Make the lines that still matter again from history, and compare them with those that are kept."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    delete,
    func,
    or_,
    select,
)

from armrest.outbox.ledger.current import carried_by, fill_from_history, pointed_to_by
from armrest.outbox.ledger.ledger import Ledger
from armrest.outbox.ledger.schema import batches, current_lines, customers

_rebuilt: Final = Table(
    "rebuilt_lines",
    MetaData(),
    Column("client_id", BigInteger, primary_key=True, autoincrement=False),
    Column("customer_key", Text, primary_key=True),
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class CurrentLinesDifferences:
    """How the lines that are kept differ from those that follow from history.

    Attributes:
        missing: Lines that still matter and are not kept: the gate would not see them.
        extra: Lines that are kept and no longer matter: they only cost time.
    """

    missing: int
    extra: int

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra)

    @property
    def message(self) -> str:
        """One sentence of figures."""
        return f"current lines missing: {self.missing}, no longer needed: {self.extra}"


def differences_of_current_lines(ledger: Ledger) -> CurrentLinesDifferences:
    """Compare the lines that are kept with those that follow from history, as of one moment; changes nothing.

    A line that was taken back, because ARM certainly does not have it, may be kept or not: nothing counts it before it
    is sent again. Takes disk for a copy of the table, and no memory that grows with it.
    """
    with ledger.read() as tx:
        _rebuilt.create(tx)
        fill_from_history(tx, _rebuilt)
        differences = CurrentLinesDifferences(
            missing=_number(tx, _only_in(_rebuilt, current_lines)),
            extra=_number(tx, _only_in(current_lines, _rebuilt).where(_is_sent_or_unknown())),
        )
        tx.rollback()  # the temporary table would outlive a transaction that only ends
    return differences


def rebuild_current_lines(ledger: Ledger) -> int:
    """Make the lines that still matter again from history; return their number. Nothing can be sent meanwhile."""
    with ledger.write() as tx:
        tx.execute(delete(current_lines))
        fill_from_history(tx, current_lines)
        return _number(tx, select(current_lines.c.ordinal))


def _number(tx: Connection, rows: Select[Any]) -> int:
    return int(tx.execute(select(func.count()).select_from(rows.subquery())).scalar_one())


def _only_in(table: Table, other: Table) -> Select[Any]:
    same = and_(*(table.c[column.name] == column for column in other.primary_key))
    return select(table.c.ordinal).where(~select(other.c.ordinal).where(same).exists())


def _is_sent_or_unknown() -> ColumnElement[bool]:
    """Whether the line of a pointer has been sent, or does not exist."""
    line = select(customers.c.ordinal).where(pointed_to_by(current_lines, customers)).correlate(current_lines)
    sent = line.join(batches, carried_by(customers, batches)).where(batches.c.sent_at.is_not(None))
    return or_(sent.exists(), ~line.exists())

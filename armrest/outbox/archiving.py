"""Archive closed runs: their lines, attempts and rejected rows leave the tables that every night reads and writes.

A run is closed if ARM has finished it, if its source was refused, or if it is a plan that a purge has emptied.

What must be found without the archive stays: lines that still matter, customers that failed, and the lines of reruns,
by which a later rerun knows what was sent again. `show`, `customer`, `export`, `rerun` and `verify --run`
answer as before.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, not_, or_, select, text

from armrest.outbox.ledger import (
    ROWS_A_PIECE,
    UNFINISHED,
    ArchiveKind,
    Ledger,
    State,
    add_piece,
    archived,
    attempts,
    batches,
    columns_of,
    current_lines,
    customers,
    pointed_to_by,
    rejects,
    runs,
)
from armrest.outbox.removal import has_bodies, is_not_newest, remove_run
from armrest.outbox.run_states import RunState

FEWEST_LINES: Final = 1_000
"""A run of which lines were archived before is archived again for at least as many: tiny pieces would cost more."""


_YEAR_SECONDS: Final = 365.25 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """What was archived: runs, rows of each kind, `bytes` in the archive; `removed` are runs too old to keep."""

    runs: int = 0
    lines: int = 0
    attempts: int = 0
    rejects: int = 0
    bytes: int = 0
    removed: int = 0

    @property
    def message(self) -> str:
        """One sentence of figures."""
        return (
            f"lines: {self.lines:,}, attempts: {self.attempts:,}, rejected rows: {self.rejects:,}, of runs: "
            f"{self.runs}; {self.bytes:,} bytes in the archive; runs removed for their age: {self.removed}"
        )


def archive(
    ledger: Ledger, *, older_than_seconds: float, history_years: float = 0.0, rows_a_piece: int = ROWS_A_PIECE
) -> Archived:
    """Archive the runs that were closed that long ago. Safe to repeat, to interrupt, and beside runs that send.

    Each piece is one transaction.

    Args:
        history_years: Years after which a run is removed whole, if none of its lines matters any more; 0: never.
        rows_a_piece: Most rows in one piece of the archive.
    """
    at = ledger.now()
    ledger.flush()
    totals = dict.fromkeys(("runs", *_KINDS, "bytes", "removed"), 0)
    for run_seq in _closed_runs(ledger, at - older_than_seconds):
        rows_before = sum(totals[kind] for kind in _KINDS)
        for kind in _KINDS:
            position = -1
            while piece := _archive_piece(ledger, run_seq, kind, after=position, at=at, most=rows_a_piece):
                position, rows, size = piece
                totals[kind] += rows
                totals["bytes"] += size
        totals["runs"] += sum(totals[kind] for kind in _KINDS) > rows_before
    if history_years:
        totals["removed"] = _remove_runs(ledger, at - history_years * _YEAR_SECONDS)
    return Archived(**totals)


def _remove_runs(ledger: Ledger, before: float) -> int:
    """Remove the closed runs that ended before a moment, and to which no line that matters belongs."""
    removed = 0
    for run_seq in _closed_runs(ledger, before, with_rows=False):
        with ledger.write() as tx:
            if tx.execute(select(current_lines.c.ordinal).where(current_lines.c.run_seq == run_seq).limit(1)).first():
                continue
            remove_run(tx, run_seq)
        removed += 1
    return removed


def _closed_runs(ledger: Ledger, before: float, *, with_rows: bool = True) -> list[int]:
    """Return the numbers of the runs that were closed before a moment; by default, those that have rows left."""
    is_open = exists().where(batches.c.run_seq == runs.c.seq, batches.c.state.in_(UNFINISHED))
    has_rows = [exists().where(table.c.run_seq == runs.c.seq) for table in _TABLES.values()]
    is_sent = and_(runs.c.planned_at.is_not(None), runs.c.dry_run == 0, ~is_open)
    is_refused = runs.c.state == RunState.INPUT_REJECTED
    is_over = and_(runs.c.ended_at <= before, or_(is_sent, is_refused))
    is_empty_plan = and_(
        runs.c.planned_at <= before, runs.c.dry_run == 1, ~has_bodies(), runs.c.state == RunState.PLANNED
    )
    query = select(runs.c.seq).where(or_(is_over, is_empty_plan))
    query = query.where(or_(*has_rows)) if with_rows else query.where(is_not_newest())
    with ledger.read() as tx:
        return list(tx.execute(query.order_by(runs.c.seq)).scalars())


def _archive_piece(
    ledger: Ledger, run_seq: int, kind: ArchiveKind, *, after: int, at: float, most: int
) -> tuple[int, int, int] | None:
    """Move one piece into the archive; return its last position, its rows and its bytes. None: nothing is left."""
    table, names = _TABLES[kind], columns_of(kind)
    position = table.c[names[0]]
    may_go = and_(table.c.run_seq == run_seq, position > after, _may_go(kind))
    with ledger.write() as tx:
        _exclude_others(tx)
        query = select(*(table.c[name] for name in names)).where(may_go).order_by(position).limit(most)
        rows = tx.execute(query).all()
        if not rows or (len(rows) < FEWEST_LINES and after < 0 and _is_archived(tx, run_seq, kind)):
            return None
        size = add_piece(tx, run_seq, kind, rows, at=at)
        tx.execute(delete(table).where(may_go, position <= rows[-1][0]))
        return int(rows[-1][0]), len(rows), size


def _exclude_others(tx: Connection) -> None:
    """Let one process at a time archive: two would write the same rows twice. SQLite has one writer anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("LOCK TABLE archived IN EXCLUSIVE MODE"))


def _is_archived(tx: Connection, run_seq: int, kind: ArchiveKind) -> bool:
    query = select(archived.c.id).where(archived.c.run_seq == run_seq, archived.c.kind == kind).limit(1)
    return tx.execute(query).first() is not None


def _may_go(kind: ArchiveKind) -> ColumnElement[bool]:
    if kind != "lines":
        return _TABLES[kind].c.run_seq.is_not(None)
    settled = exists().where(
        batches.c.run_seq == customers.c.run_seq,
        batches.c.seq == customers.c.batch_seq,
        batches.c.state.in_((State.SETTLED, State.PARTLY_FAILED)),
    )
    is_of_update = exists().where(runs.c.seq == customers.c.run_seq, runs.c.kind == "update")
    is_of_plan = exists().where(runs.c.seq == customers.c.run_seq, runs.c.dry_run == 1)
    matters = exists().where(
        current_lines.c.client_id == customers.c.client_id,
        current_lines.c.customer_key == func.coalesce(customers.c.customer_key, customers.c.customer_no),
        pointed_to_by(current_lines, customers),
    )
    has_not_failed = or_(customers.c.outcome.is_(None), customers.c.outcome != "failed")
    return or_(is_of_plan, and_(settled, is_of_update, has_not_failed, not_(matters)))


_TABLES: Final[dict[ArchiveKind, Table]] = {"lines": customers, "attempts": attempts, "rejects": rejects}
_KINDS: Final[tuple[Any, ...]] = tuple(_TABLES)

"""Remove runs whole from the ledger: plans that nobody can apply any more, and runs that are too old to keep."""

from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, or_, select

from armrest.outbox.bodies import PURGED
from armrest.outbox.ledger import (
    Ledger,
    archived,
    attempts,
    batches,
    customers,
    flow_runs,
    profiles,
    rejects,
    runs,
    shards,
)
from armrest.outbox.run_request import UpdateRequest, request_from_json
from armrest.outbox.runs import Run, find_run
from armrest.outbox.sending import Lease

_OF_A_RUN: Final[tuple[Table, ...]] = (archived, customers, attempts, rejects, flow_runs, shards, profiles, batches)


def remove_run(tx: Connection, run_seq: int) -> None:
    """Remove a run, and every row that belongs to it."""
    for table in _OF_A_RUN:
        tx.execute(delete(table).where(table.c.run_seq == run_seq))
    tx.execute(delete(runs).where(runs.c.seq == run_seq))


def is_not_newest() -> ColumnElement[bool]:
    """Whether a later run exists: SQLite would give the number of the newest to the next run."""
    return runs.c.seq < select(func.max(runs.c.seq)).scalar_subquery()


def has_bodies() -> ColumnElement[bool]:
    """Whether the store still has a body of a run."""
    return exists().where(batches.c.run_seq == runs.c.seq, batches.c.body_file != PURGED)


def old_plans(ledger: Ledger, *, before: float, written_before: float) -> list[Run]:
    """Return the dry runs of that age that were not applied, the oldest first.

    A plan about which a person was asked is not among them: who decided what stays known.

    Args:
        before: Seconds since 1970.
        written_before: The same for a plan that is not complete: it may be being written, and holds no lease.
    """
    is_old = func.coalesce(runs.c.ended_at, runs.c.created_at) <= before
    is_written = or_(runs.c.planned_at.is_not(None), runs.c.created_at <= written_before)
    query = select(runs.c.run_id, runs.c.kind, runs.c.request).where(is_old, is_written, _is_plan())
    with ledger.read() as tx:
        found = tx.execute(query.order_by(runs.c.seq)).all()
    requests = {row.run_id: request_from_json(row.run_id, row.kind, row.request) for row in found}
    return [find_run(ledger, run_id) for run_id, request in requests.items() if _asks_nobody(request)]


def remove_plan(ledger: Ledger, plan: Run, lease: Lease) -> bool:
    """Remove a plan whose bodies are purged; return False if it was applied meanwhile, or has bodies.

    Raises:
        LeaseLost: Another process has taken over the client; nothing is removed.
    """
    may_go = and_(runs.c.seq == plan.seq, _is_plan(), ~has_bodies())
    with ledger.write() as tx:
        lease.assert_current(tx)
        if tx.execute(select(runs.c.seq).where(may_go)).first() is None:
            return False
        remove_run(tx, plan.seq)
    return True


def _is_plan() -> ColumnElement[bool]:
    return and_(runs.c.dry_run == 1, runs.c.kind == "update", is_not_newest())


def _asks_nobody(request: object) -> bool:
    return isinstance(request, UpdateRequest) and not request.asks_because

"""Turn a reviewed plan into a run that may be sent, unless newer data of its customers was sent meanwhile.

A dry run has no position of its own in the order of a client's data, since another run may be sending meanwhile. It
gets one when it is applied. Its data is still as old as the moment when its source was read.
"""

from sqlalchemy import Connection, and_, func, or_, select, update

from armrest.outbox.batches import assert_sendable
from armrest.outbox.errors import OutboxError
from armrest.outbox.ledger import Ledger, batches, carried_by, current_lines, customers, key_of, pointed_to_by, runs
from armrest.outbox.plans.client_match import client_doubt
from armrest.outbox.plans.comparison import compared_since
from armrest.outbox.runs import Run, find_run, request_in, write_request
from armrest.outbox.sending import Lease


def assert_applicable(ledger: Ledger, run: Run) -> None:
    """Check that a plan can be sent unchanged.

    Raises:
        OutboxError: The run is not a plan, it looks like another client's and nobody confirmed the client number, or a
            later run has sent or compared any of its customers meanwhile.
        BodyUnusable: A body of it was purged.
    """
    with ledger.read() as tx:
        _assert_plan(tx, run)
    assert_sendable(ledger, run)


def apply_plan(ledger: Ledger, run: Run, lease: Lease) -> Run:
    """Turn a plan into a run that is sent, and give its data its position in the order of the client's data.

    Raises:
        OutboxError: The run is not a plan, it looks like another client's and nobody confirmed the client number, or a
            later run has sent or compared any of its customers meanwhile.
        LeaseLost: Another process has taken over the client.
    """
    with ledger.write() as tx:
        lease.assert_current(tx)
        _assert_plan(tx, run)
        _assign_position(tx, run)
        write_request(tx, run, request_in(tx, run).model_copy(update={"dry_run": False}))
    return find_run(ledger, run.run_id)


def _assign_position(tx: Connection, run: Run) -> None:
    """Insert a plan's data right after the newest data when its source was read; later data moves up by one.

    That data may be another plan's: one whose source was read before this one's, and that is applied already.
    """
    own = select(runs.c.read_order).where(runs.c.seq == run.seq).scalar_subquery()
    until_then = and_(runs.c.client_id == run.client_id, runs.c.read_order <= own)
    position = tx.execute(select(func.max(runs.c.data_seq)).where(until_then)).scalar_one() + 1
    for table in (runs, batches):
        later = (table.c.client_id == run.client_id) & (table.c.data_seq >= position)
        tx.execute(update(table).where(later).values(data_seq=table.c.data_seq + 1))
    tx.execute(update(runs).where(runs.c.seq == run.seq).values(data_seq=position))
    tx.execute(update(batches).where(batches.c.run_seq == run.seq).values(data_seq=position))


def _assert_plan(tx: Connection, run: Run) -> None:
    if not request_in(tx, run).dry_run:
        raise OutboxError(
            f"run {run.run_id} is not a plan that can be applied: `armrest show {run.run_id}` shows its state"
        )
    if run.planned_at is None:
        raise OutboxError(f"plan {run.run_id} was not completed: {run.message or 'it was interrupted'}")
    if doubt := client_doubt(tx, run):
        raise OutboxError(f"plan {run.run_id} is not sent: {doubt}")
    if later_run := compared_since(tx, run):
        raise OutboxError(
            f"run {later_run} has compared newer data with ARM's since plan {run.run_id} was made: plan again"
        )
    if newer := _overtaken_by(tx, run):
        number, run_id = newer
        raise OutboxError(
            f"run {run_id} has sent {number} of the customers of plan {run.run_id} since it was made: plan again"
        )


def _any_batch_since(tx: Connection, run: Run) -> bool:
    """Whether another run has sent newer data, or any since the plan was made; each query reads a range of an index."""
    other = and_(batches.c.client_id == run.client_id, batches.c.run_seq != run.seq, batches.c.sent_at.is_not(None))
    ranges = (batches.c.data_seq > run.data_seq, batches.c.sent_at > run.planned_at)
    queries = (select(batches.c.seq).where(other, of_range).limit(1) for of_range in ranges)
    return any(tx.execute(query).first() for query in queries)


def _overtaken_by(tx: Connection, run: Run) -> tuple[int, str] | None:
    """Return how many customers of a plan were sent since it was made, and the newest run that sent some."""
    own, others, other_batches = customers.alias("own"), customers.alias("others"), batches.alias("other_batches")
    since = and_(
        other_batches.c.client_id == run.client_id,
        other_batches.c.run_seq != run.seq,
        or_(other_batches.c.data_seq > run.data_seq, other_batches.c.sent_at > run.planned_at),
        other_batches.c.sent_at.is_not(None),
    )
    if not _any_batch_since(tx, run):
        return None
    same = and_(current_lines.c.client_id == own.c.client_id, current_lines.c.customer_key == key_of(own))
    query = (
        select(func.count(own.c.ordinal.distinct()), func.max(other_batches.c.run_seq))
        .select_from(own)
        .join(current_lines, same)
        .join(others, pointed_to_by(current_lines, others))
        .join(other_batches, carried_by(others, other_batches))
        .where(own.c.run_seq == run.seq, since)
        .where(or_(others.c.outcome.is_(None), others.c.outcome != "superseded"))
    )
    number, newest = tx.execute(query).one()
    if not number:
        return None
    return int(number), str(tx.execute(select(runs.c.run_id).where(runs.c.seq == newest)).scalar_one())

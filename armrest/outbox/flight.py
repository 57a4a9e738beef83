"""Is a customer in flight? The gate's second rule, asked of one customer before anything is planned for it."""

from sqlalchemy import and_, func, or_, select

from armrest.outbox.batches import State
from armrest.outbox.ledger import Ledger
from armrest.outbox.schema import batches, clients, customers, runs


def held_by(
    ledger: Ledger, *, api_url: str, client_no: int, customer_no: str, ghost_horizon_seconds: float
) -> str | None:
    """Return the batch that holds a customer, `batch 3 of run …`, or None where newer data may leave at once."""
    c, b = customers.c, batches.c
    with ledger.read() as tx:
        horizon = ledger.now_in(tx) - ghost_horizon_seconds
    young = b.last_sent_at > horizon
    is_open = and_(or_(b.state == State.ACCEPTED, and_(b.state == State.SENDING, young)), c.outcome.is_(None))
    ghost = and_(b.doubtful == 1, young, b.state != State.LOST)
    query = (
        select(b.seq, runs.c.run_id)
        .join_from(customers, batches, and_(b.run_seq == c.run_seq, b.seq == c.batch_seq))
        .join(runs, runs.c.seq == b.run_seq)
        .join(clients, clients.c.id == c.client_id)
        .where(clients.c.api_url == api_url, clients.c.client_no == client_no)
        .where(func.lower(c.customer_no) == func.lower(customer_no), or_(is_open, ghost))
        .order_by(runs.c.seq.desc())
    )
    with ledger.read() as tx:
        row = tx.execute(query.limit(1)).first()
    return None if row is None else f"batch {row.seq} of run {row.run_id}"

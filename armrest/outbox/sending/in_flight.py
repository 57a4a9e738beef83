"""Find what is in flight: the gate's second rule, also used for one customer before anything is planned for it."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from armrest.outbox.batches import State
from armrest.outbox.ledger import Ledger, batches, clients, customers, runs


def is_open(batches: Any, horizon: Any) -> ColumnElement[bool]:
    """Whether ARM has a batch and has not finished it, or may have it because it was sent since the horizon.

    Args:
        batches: The table, or an alias of it.
        horizon: Seconds since 1970, or a bind parameter of the statement.
    """
    c = batches.c
    return or_(c.state == State.ACCEPTED, and_(c.state == State.SENDING, c.last_sent_at > horizon))


def maybe_applied(batches: Any, horizon: Any) -> ColumnElement[bool]:
    """Whether ARM may hold a batch that we do not know about: an attempt since the horizon got no answer."""
    c = batches.c
    return and_(c.doubtful == 1, c.last_sent_at > horizon, c.state != State.LOST)


def held_by(
    ledger: Ledger, *, api_url: str, client_no: int, customer_no: str, ghost_horizon_seconds: float
) -> str | None:
    """Return the batch that holds a customer, `batch 3 of run …`, or None if newer data may be sent at once."""
    c, b = customers.c, batches.c
    query = (
        select(b.seq, runs.c.run_id)
        .join_from(customers, batches, and_(b.run_seq == c.run_seq, b.seq == c.batch_seq))
        .join(runs, runs.c.seq == b.run_seq)
        .join(clients, clients.c.id == c.client_id)
        .where(clients.c.api_url == api_url, clients.c.client_no == client_no)
        .where(func.lower(c.customer_no) == func.lower(customer_no))
        .order_by(runs.c.seq.desc())
    )
    with ledger.read() as tx:
        horizon = ledger.now_in(tx) - ghost_horizon_seconds
        in_flight = or_(and_(is_open(batches, horizon), c.outcome.is_(None)), maybe_applied(batches, horizon))
        row = tx.execute(query.where(in_flight).limit(1)).first()
    return None if row is None else f"batch {row.seq} of run {row.run_id}"

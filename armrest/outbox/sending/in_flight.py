"""Find what is in flight: the gate's second rule, also used for one customer before anything is planned for it."""

from typing import Any

from sqlalchemy import ColumnElement, and_, literal_column, or_, select

from armrest.model import customer_key
from armrest.outbox.ledger import (
    Ledger,
    State,
    batches,
    carried_by,
    clients,
    current_lines,
    customers,
    pointed_to_by,
    runs,
)


def is_open(batches: Any, horizon: Any) -> ColumnElement[bool]:
    """Whether ARM has a batch and has not finished it, or may have it because it was sent since the horizon.

    Args:
        batches: The table, or an alias of it.
        horizon: Seconds since 1970, or a bind parameter of the statement.
    """
    c = batches.c
    return or_(c.state == State.ACCEPTED, and_(c.state == State.SENDING, c.last_sent_at > horizon))


def maybe_applied(batches: Any, horizon: Any) -> ColumnElement[bool]:
    """Whether ARM may hold a batch that we do not know about: an attempt since the horizon got no answer.

    The 1 is written out, since SQLite uses an index of some rows only if the statement itself names the same rows.
    """
    c = batches.c
    return and_(c.doubtful == literal_column("1"), c.last_sent_at > horizon, c.state != State.LOST)


def held_by(
    ledger: Ledger, *, api_url: str, client_no: int, customer_no: str, ghost_horizon_seconds: float
) -> str | None:
    """Return the batch that holds a customer, `batch 3 of run …`, or None if newer data may be sent at once."""
    c, b = customers.c, batches.c
    query = (
        select(b.seq, runs.c.run_id)
        .select_from(clients)
        .join(current_lines, current_lines.c.client_id == clients.c.id)
        .join(customers, pointed_to_by(current_lines, customers))
        .join(batches, carried_by(customers, batches))
        .join(runs, runs.c.seq == b.run_seq)
        .where(clients.c.api_url == api_url, clients.c.client_no == client_no)
        .where(current_lines.c.customer_key == customer_key(customer_no))
        .where(or_(c.outcome.is_(None), c.outcome != "superseded"))
        .order_by(runs.c.seq.desc())
    )
    with ledger.read() as tx:
        horizon = ledger.now_in(tx) - ghost_horizon_seconds
        in_flight = or_(and_(is_open(batches, horizon), c.outcome.is_(None)), maybe_applied(batches, horizon))
        row = tx.execute(query.where(in_flight).limit(1)).first()
    return None if row is None else f"batch {row.seq} of run {row.run_id}"

"""Customers that ARM has refused on several nights: a person has to look at them, since sending again does not help."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from armrest.outbox.ledger import Ledger, batches, carried_by, customers, key_of, runs
from armrest.outbox.runs import Run

DAYS: Final = 60
DAY_SECONDS: Final = 86_400
SEVERAL: Final = 2


@dataclass(frozen=True, slots=True)
class RepeatedRefusal:
    """A customer that ARM has refused again, and on how many nights it has."""

    customer_no: str
    nights: int


def repeated_refusals(ledger: Ledger, run: Run, *, most: int) -> list[RepeatedRefusal]:
    """Return the customers that a run's ARM has refused, and on earlier nights, too; those with most nights first.

    Runs of one day (UTC) count as one night. The last 60 days count; reruns do not.

    Args:
        most: The most customers to return.
    """
    key = key_of(customers)
    failed = (
        select(key, customers.c.run_seq, customers.c.customer_no)
        .join(batches, carried_by(customers, batches))
        .where(batches.c.failed > 0, customers.c.outcome == "failed")
    )
    with ledger.read() as tx:
        earlier = failed.where(customers.c.run_seq.in_(_nights(tx, run))).subquery()
        own = failed.where(customers.c.run_seq == run.seq).subquery()
        nights = func.count(earlier.c.run_seq.distinct())
        query = (
            select(func.max(own.c.customer_no), nights)
            .join_from(own, earlier, own.c[0] == earlier.c[0])
            .group_by(own.c[0])
            .having(nights >= SEVERAL)
            .order_by(nights.desc(), func.max(own.c.customer_no))
        )
        return [RepeatedRefusal(str(number), int(times)) for number, times in tx.execute(query.limit(most))]


def _nights(tx: Connection, run: Run) -> list[int]:
    """Return the client's last run of each day, up to this one."""
    created = select(runs.c.created_at).where(runs.c.seq == run.seq).scalar_subquery()
    query = select(runs.c.seq, runs.c.created_at).where(
        runs.c.client_id == run.client_id,
        runs.c.kind == "update",
        runs.c.seq <= run.seq,
        runs.c.created_at > created - DAYS * DAY_SECONDS,
    )
    by_day = {int(row.created_at // DAY_SECONDS): row.seq for row in tx.execute(query.order_by(runs.c.seq))}
    return list(by_day.values())

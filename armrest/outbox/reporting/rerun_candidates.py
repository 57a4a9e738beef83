"""Find what a rerun sends again: customers that failed, or whose batch was lost, and that are still unresolved."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from armrest.outbox.batches import Batch, State, from_row
from armrest.outbox.bodies import PURGED
from armrest.outbox.errors import BodyUnusable, UnknownBatch
from armrest.outbox.ledger import Ledger, batches, clients, customers, runs
from armrest.outbox.outbox import Outbox
from armrest.outbox.run_request import Only
from armrest.outbox.runs import Run
from armrest.outbox.sending import read_customers

_WANTED: Final[dict[Only, ColumnElement[bool]]] = {
    "failed": and_(batches.c.failed > 0, batches.c.state != State.LOST),
    "lost": batches.c.state == State.LOST,
    "all": or_(batches.c.failed > 0, batches.c.state == State.LOST),
}

REFUSED_WHOLE: Final = "its batch was refused whole"
"""Prefix of the reason of customers that ARM did not name; they are probably valid."""

NOT_SENT: Final = "not sent by itself"
"""Prefix of the reason of customers that ARM refused only together with others, when the budget was spent."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A customer to send again, as it was in the body."""

    customer: dict[str, Any]
    refused_whole: bool
    not_sent: bool


def failures_in(
    outbox: Outbox, run: Run, *, only: Only = "all", batch_uuids: Collection[str] = ()
) -> Iterator[tuple[Batch, list[Failure]]]:
    """Yield a run's batches that hold failures, each with its failures in the order of the body.

    A customer is skipped if a later rerun of the same data has resolved it, or has it in a complete plan.

    Raises:
        UnknownBatch: The run has no batch with one of these batchUuids.
        BodyUnusable: A body was purged.
    """
    for batch, reasons in _unresolved_batches(outbox.ledger, run, only, batch_uuids):
        yield (
            batch,
            [
                Failure(
                    person,
                    refused_whole=(reasons[line.ordinal] or "").startswith(REFUSED_WHOLE),
                    not_sent=(reasons[line.ordinal] or "").startswith(NOT_SENT),
                )
                for line, person in read_customers(outbox, batch)
                if line.ordinal in reasons
            ],
        )


def count_failures(ledger: Ledger, run: Run, *, only: Only = "all", batch_uuids: Collection[str] = ()) -> int:
    """Return how many customers `failures_in` would yield, without reading bodies.

    Raises:
        UnknownBatch: The run has no batch with one of these batchUuids.
        BodyUnusable: A body that it would need was purged.
    """
    found = 0
    for batch, reasons in _unresolved_batches(ledger, run, only, batch_uuids):
        if batch.body.file == PURGED:
            raise BodyUnusable(
                f"batch {batch.seq} of run {run.run_id} was purged, and its customers' data with it: "
                "send them from the source again"
            )
        found += len(reasons)
    return found


def runs_with_failures(ledger: Ledger, *, api_url: str, client_no: int, only: Only = "all") -> list[str]:
    """Return the ids of a client's runs that have failures, resolved or not, the oldest first."""
    query = (
        select(runs.c.run_id)
        .join(clients, clients.c.id == runs.c.client_id)
        .where(clients.c.api_url == api_url, clients.c.client_no == client_no)
        .where(exists().where(batches.c.run_seq == runs.c.seq, _WANTED[only]))
    )
    with ledger.read() as tx:
        return list(tx.execute(query.order_by(runs.c.seq)).scalars())


def runs_of_batches(ledger: Ledger, *, api_url: str, batch_uuids: Collection[str]) -> dict[str, list[str]]:
    """Return the ids of the runs that have these batchUuids, each with its batchUuids, the oldest run first.

    Raises:
        UnknownBatch: No run has one of these batches.
    """
    query = (
        select(runs.c.run_id, batches.c.batch_uuid)
        .join_from(batches, runs, runs.c.seq == batches.c.run_seq)
        .join(clients, clients.c.id == runs.c.client_id)
        .where(clients.c.api_url == api_url, batches.c.batch_uuid.in_(batch_uuids))
    )
    found: dict[str, list[str]] = {}
    with ledger.read() as tx:
        for row in tx.execute(query.order_by(batches.c.run_seq, batches.c.seq)):
            found.setdefault(row.run_id, []).append(row.batch_uuid)
    if unknown := sorted(set(batch_uuids).difference(*found.values())):
        raise UnknownBatch(f"no run has sent a batch {', '.join(unknown)} to {api_url}: `armrest runs` lists the runs")
    return found


def _unresolved_batches(
    ledger: Ledger, run: Run, only: Only, batch_uuids: Collection[str]
) -> Iterator[tuple[Batch, dict[int, str | None]]]:
    for batch in _failed_batches(ledger, run, only, batch_uuids):
        if reasons := unresolved(ledger, batch):
            yield batch, reasons


def _failed_batches(ledger: Ledger, run: Run, only: Only, batch_uuids: Collection[str]) -> list[Batch]:
    mine = select(batches).where(batches.c.run_seq == run.seq).order_by(batches.c.seq)
    with ledger.read() as tx:
        known = {row.batch_uuid for row in tx.execute(mine)} if batch_uuids else set()
        if unknown := sorted(set(batch_uuids) - known):
            raise UnknownBatch(
                f"run {run.run_id} has no batch {', '.join(unknown)}: `armrest show {run.run_id}` lists its batchUuids"
            )
        chosen = [from_row(row) for row in tx.execute(mine.where(_WANTED[only]))]
    return [batch for batch in chosen if not batch_uuids or batch.batch_uuid in batch_uuids]


def unresolved(ledger: Ledger, batch: Batch) -> dict[int, str | None]:
    """Return the reasons, by ordinal, of a batch's failed or lost lines that no later rerun covers.

    A rerun counts only if its plan is complete: an incomplete plan is never sent.
    """
    mine, theirs, other = customers.alias("mine"), customers.alias("theirs"), batches.alias("other")
    is_complete = exists().where(runs.c.seq == theirs.c.run_seq, runs.c.planned_at.is_not(None))
    cared_for = exists().where(
        theirs.c.client_id == mine.c.client_id,
        func.lower(theirs.c.customer_no) == func.lower(mine.c.customer_no),
        theirs.c.run_seq > mine.c.run_seq,
        or_(theirs.c.outcome.is_(None), theirs.c.outcome != "failed"),
        and_(other.c.run_seq == theirs.c.run_seq, other.c.seq == theirs.c.batch_seq),
        other.c.data_seq == batch.data_seq,
        other.c.state != State.LOST,
        is_complete,
    )
    unsettled = mine.c.outcome == "failed"
    if batch.state == State.LOST:
        unsettled = or_(unsettled, mine.c.outcome.is_(None))
    query = select(mine.c.ordinal, mine.c.reason).where(
        mine.c.run_seq == batch.run_seq,
        mine.c.batch_seq == batch.seq,
        mine.c.ordinal.between(batch.first_ordinal, batch.last_ordinal),
        unsettled,
        ~cared_for,
    )
    with ledger.read() as tx:
        return {row.ordinal: row.reason for row in tx.execute(query)}

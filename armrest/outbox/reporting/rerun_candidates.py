"""Find what a rerun sends again: customers that failed, or whose batch was lost, and that are still unresolved."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from armrest.outbox.batches import Batch, from_row
from armrest.outbox.bodies import PURGED
from armrest.outbox.errors import BodyUnusable, UnknownBatch
from armrest.outbox.ledger import Ledger, State, batches, clients, customers, runs
from armrest.outbox.outbox import Outbox
from armrest.outbox.run_request import Only
from armrest.outbox.runs import Run
from armrest.outbox.sending import read_customers

_FAILURES: Final[dict[Only, ColumnElement[bool]]] = {
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
    total = 0
    for batch, reasons in _unresolved_batches(ledger, run, only, batch_uuids):
        if batch.body.file == PURGED:
            raise BodyUnusable(
                f"batch {batch.seq} of run {run.run_id} was purged, and its customers' data with it: "
                "send them from the source again"
            )
        total += len(reasons)
    return total


def runs_with_failures(ledger: Ledger, *, api_url: str, client_no: int, only: Only = "all") -> list[str]:
    """Return the ids of a client's runs that have failures, resolved or not, the oldest first."""
    query = (
        select(runs.c.run_id)
        .join(clients, clients.c.id == runs.c.client_id)
        .where(clients.c.api_url == api_url, clients.c.client_no == client_no)
        .where(exists().where(batches.c.run_seq == runs.c.seq, _FAILURES[only]))
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
    uuids_by_run: dict[str, list[str]] = {}
    with ledger.read() as tx:
        for row in tx.execute(query.order_by(batches.c.run_seq, batches.c.seq)):
            uuids_by_run.setdefault(row.run_id, []).append(row.batch_uuid)
    if unknown := sorted(set(batch_uuids).difference(*uuids_by_run.values())):
        raise UnknownBatch(f"no run has sent a batch {', '.join(unknown)} to {api_url}: `armrest runs` lists the runs")
    return uuids_by_run


def _unresolved_batches(
    ledger: Ledger, run: Run, only: Only, batch_uuids: Collection[str]
) -> Iterator[tuple[Batch, dict[int, str | None]]]:
    for batch in _failed_batches(ledger, run, only, batch_uuids):
        if reasons := unresolved(ledger, batch):
            yield batch, reasons


def _failed_batches(ledger: Ledger, run: Run, only: Only, batch_uuids: Collection[str]) -> list[Batch]:
    own = select(batches).where(batches.c.run_seq == run.seq).order_by(batches.c.seq)
    with ledger.read() as tx:
        known = {row.batch_uuid for row in tx.execute(own)} if batch_uuids else set()
        if unknown := sorted(set(batch_uuids) - known):
            raise UnknownBatch(
                f"run {run.run_id} has no batch {', '.join(unknown)}: `armrest show {run.run_id}` lists its batchUuids"
            )
        chosen = [from_row(row) for row in tx.execute(own.where(_FAILURES[only]))]
    return [batch for batch in chosen if not batch_uuids or batch.batch_uuid in batch_uuids]


def unresolved(ledger: Ledger, batch: Batch) -> dict[int, str | None]:
    """Return the reasons, by ordinal, of a batch's failed or lost lines that no later rerun covers.

    A rerun counts only if its plan is complete: an incomplete plan is never sent.
    """
    own, later, later_batches = customers.alias("own"), customers.alias("later"), batches.alias("later_batches")
    is_complete = exists().where(runs.c.seq == later.c.run_seq, runs.c.planned_at.is_not(None))
    covered = exists().where(
        later.c.client_id == own.c.client_id,
        func.lower(later.c.customer_no) == func.lower(own.c.customer_no),
        later.c.run_seq > own.c.run_seq,
        or_(later.c.outcome.is_(None), later.c.outcome != "failed"),
        and_(later_batches.c.run_seq == later.c.run_seq, later_batches.c.seq == later.c.batch_seq),
        later_batches.c.data_seq == batch.data_seq,
        later_batches.c.state != State.LOST,
        is_complete,
    )
    unsettled = own.c.outcome == "failed"
    if batch.state == State.LOST:
        unsettled = or_(unsettled, own.c.outcome.is_(None))
    query = select(own.c.ordinal, own.c.reason).where(
        own.c.run_seq == batch.run_seq,
        own.c.batch_seq == batch.seq,
        own.c.ordinal.between(batch.first_ordinal, batch.last_ordinal),
        unsettled,
        ~covered,
    )
    with ledger.read() as tx:
        return {row.ordinal: row.reason for row in tx.execute(query)}

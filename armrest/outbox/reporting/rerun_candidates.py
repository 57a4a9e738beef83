"""Find what a rerun sends again: customers that failed, or whose batch was lost, and that are still unresolved."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Insert,
    MetaData,
    Table,
    Text,
    and_,
    exists,
    insert,
    or_,
    select,
)

from armrest.outbox.batches import Batch, from_row
from armrest.outbox.bodies import PURGED
from armrest.outbox.errors import BodyUnusable, UnknownBatch
from armrest.outbox.ledger import Ledger, State, batches, carried_by, clients, customers, key_of, runs
from armrest.outbox.outbox import Outbox
from armrest.outbox.run_request import Only
from armrest.outbox.runs import Run
from armrest.outbox.sending import read_customers

_TEMPORARY: Final = MetaData()
_resolved: Final = Table("resolved", _TEMPORARY, Column("customer_key", Text), prefixes=["TEMPORARY"])
Index("resolved_by_key", _resolved.c.customer_key)

_FAILURES: Final[dict[Only, ColumnElement[bool]]] = {
    "failed": and_(batches.c.failed > 0, batches.c.state != State.LOST),
    "lost": batches.c.state == State.LOST,
    "all": or_(batches.c.failed > 0, batches.c.state == State.LOST),
}

REFUSED_WHOLE: Final = "its batch was refused whole"
"""Prefix of the reason of customers that ARM did not name; they are probably valid."""

NOT_SENT: Final = "not sent by itself"
"""Prefix of the reason of customers that ARM refused only together with others, when the budget was spent."""

FAILURE_CODES: Final = ("refused", "batch-refused", "not-sent", "lost")
"""Why a customer failed, in our own words: ARM refused it, or its batch as a whole; it was not sent by itself; or its
batch was declared lost."""


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
                    customer,
                    refused_whole=(reasons[line.ordinal] or "").startswith(REFUSED_WHOLE),
                    not_sent=(reasons[line.ordinal] or "").startswith(NOT_SENT),
                )
                for line, customer in read_customers(outbox, batch)
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


def failure_codes(ledger: Ledger, run: Run) -> Counter[str]:
    """Return how many customers of a run failed and are unresolved, by one of `FAILURE_CODES`; bodies are not read."""
    codes: Counter[str] = Counter()
    for _, reasons in _unresolved_batches(ledger, run, "all", ()):
        codes.update(map(_failure_code, reasons.values()))
    return codes


def _failure_code(reason: str | None) -> str:
    if reason is None:
        return "lost"
    if reason.startswith(REFUSED_WHOLE):
        return "batch-refused"
    return "not-sent" if reason.startswith(NOT_SENT) else "refused"


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
    failed = _failed_batches(ledger, run, only, batch_uuids)
    if not failed:
        return
    with unresolved_lines(ledger, run) as unresolved:
        for batch in failed:
            if reasons := unresolved(batch):
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


@contextmanager
def unresolved_lines(ledger: Ledger, run: Run) -> Iterator[Callable[[Batch], dict[int, str | None]]]:
    """Return a function that returns the reasons, by ordinal, of a batch's failed or lost lines that are unresolved.

    A later run of the same data resolves a customer if its plan is complete and carries the customer, which has not
    failed there: an incomplete plan is never sent. Those runs are read once, at the beginning; they are few, and seldom
    large. Lines are then looked up in a temporary table, between which others may write.
    """
    with ledger.read() as tx:
        _TEMPORARY.create_all(tx, checkfirst=False)
        tx.execute(_list_resolved(tx, run))
        has_any = tx.execute(select(_resolved.c.customer_key).limit(1)).first() is not None
        tx.commit()
        try:
            yield lambda batch: _unresolved(tx, batch, but_resolved=has_any)
        finally:
            tx.invalidate()  # this drops the temporary table, too


def _list_resolved(tx: Connection, run: Run) -> Insert:
    data_seq = tx.execute(select(runs.c.data_seq).where(runs.c.seq == run.seq)).scalar_one()
    of_same_data = and_(batches.c.client_id == run.client_id, batches.c.data_seq == data_seq)
    carries = customers.c.ordinal.between(batches.c.first_ordinal, batches.c.last_ordinal)
    lines = (
        select(key_of(customers))
        .select_from(batches)
        .join(runs, runs.c.seq == batches.c.run_seq)
        .join(customers, and_(carried_by(customers, batches), carries))
        .where(of_same_data, batches.c.run_seq > run.seq, batches.c.state != State.LOST)
        .where(runs.c.planned_at.is_not(None), or_(customers.c.outcome.is_(None), customers.c.outcome != "failed"))
    )
    return insert(_resolved).from_select(["customer_key"], lines)


def _unresolved(tx: Connection, batch: Batch, *, but_resolved: bool) -> dict[int, str | None]:
    c = customers.c
    unsettled = c.outcome == "failed"
    if batch.state == State.LOST:
        unsettled = or_(unsettled, c.outcome.is_(None))
    query = select(c.ordinal, c.reason).where(
        c.run_seq == batch.run_seq,
        c.batch_seq == batch.seq,
        c.ordinal.between(batch.first_ordinal, batch.last_ordinal),
        unsettled,
    )
    if but_resolved:
        query = query.where(~exists().where(_resolved.c.customer_key == key_of(customers)))
    reasons = {row.ordinal: row.reason for row in tx.execute(query)}
    tx.commit()
    return reasons

"""What happened to every customer of a run, and to one customer in every run, archived or not."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Select, case, func, literal, select

from armrest.model import customer_key, names_in
from armrest.outbox.ledger import (
    ArchivedLine,
    Ledger,
    State,
    archived_lines,
    archived_of_customer,
    archived_rejects,
    batches,
    clients,
    customers,
    key_of,
    rejects,
    runs,
)
from armrest.outbox.reporting.queries import ROWS_AT_ONCE, time_of
from armrest.outbox.reporting.views import CustomerOutcome
from armrest.outbox.runs import Run
from armrest.outbox.transitions import BY_A_PERSON

_SETTLED: Final = (State.SETTLED, State.PARTLY_FAILED)
_FAILED: Final = (State.FAILED, State.LOST)


def outcomes_of_run(ledger: Ledger, run: Run) -> Iterator[CustomerOutcome]:
    """Yield one outcome for every customer of a run: first the planned ones in order, then the rejected ones.

    They are streamed in one transaction, so a run may have any size, and appears as it was at the first one.
    """
    planned = _lines().where(customers.c.run_seq == run.seq).order_by(customers.c.ordinal)
    rejected = _rejected().where(rejects.c.run_seq == run.seq).order_by(rejects.c.row)
    with ledger.read() as tx:
        for query, archive in (
            (planned, _archived_lines(tx, run.seq, archived_lines(tx, run.seq))),
            (rejected, _archived_rejects(tx, run.seq, archived_rejects(tx, run.seq))),
        ):
            with tx.execute(query.execution_options(yield_per=ROWS_AT_ONCE)) as rows:
                yield from map(_outcome, heapq.merge(rows, archive, key=attrgetter("position")))


def outcomes_of_customer(ledger: Ledger, client_no: int, customer_no: str) -> list[CustomerOutcome]:
    """Return what every run did with a customer, the newest run first. Numbers are compared by their keys.

    It reads every line of the client, a million in about 0.2 s of CPU: there is no index by number, which would
    grow with history, and make every plan dearer (decision 0089).
    """
    rows: list[Any] = []
    key = customer_key(customer_no)
    of_client = select(runs.c.seq).join(clients, clients.c.id == runs.c.client_id)
    of_client = of_client.where(clients.c.client_no == client_no)
    with ledger.read() as tx:
        for query, table in ((_lines(), customers), (_rejected(), rejects)):
            rows += tx.execute(query.where(table.c.run_seq.in_(of_client), key_of(table) == key))
        for run_seq, line in archived_of_customer(tx, "lines", of_client, key):
            rows += _archived_lines(tx, run_seq, [line])
        for run_seq, reject in archived_of_customer(tx, "rejects", of_client, key):
            rows += _archived_rejects(tx, run_seq, [reject])
    return [_outcome(row) for row in sorted(rows, key=_newest_run_first)]


def _newest_run_first(row: Any) -> tuple[int, bool, int]:
    return -row.run_seq, row.outcome == "rejected", row.position


def _lines() -> Select[Any]:
    c, b = customers.c, batches.c
    by_batch = case(
        (b.state.in_(_SETTLED), "updated"),
        (b.state.in_(_FAILED), "failed"),
        ((b.state == State.PLANNED) & runs.c.started_at.is_(None), "planned"),
        else_="open",
    )
    joined = customers.join(batches, (b.run_seq == c.run_seq) & (b.seq == c.batch_seq)).join(
        runs, runs.c.seq == c.run_seq
    )
    outcome = func.coalesce(c.outcome, by_batch)
    return select(
        runs.c.run_id,
        c.run_seq,
        c.ordinal.label("position"),
        c.customer_no,
        outcome.label("outcome"),
        b.batch_uuid,
        case(
            ((outcome == "updated") & ~b.message.startswith(BY_A_PERSON), ""),
            else_=func.coalesce(c.reason, b.held_by, b.message),
        ).label("reason"),
        c.fields,
        func.coalesce(b.settled_at, b.accepted_at, b.sent_at, runs.c.planned_at).label("at"),
    ).select_from(joined)


def _rejected() -> Select[Any]:
    return select(
        runs.c.run_id,
        rejects.c.run_seq,
        rejects.c.row.label("position"),
        rejects.c.customer_no,
        literal("rejected").label("outcome"),
        literal(None).label("batch_uuid"),
        (rejects.c.field + ": " + rejects.c.code).label("reason"),
        literal(0).label("fields"),
        runs.c.created_at.label("at"),
    ).select_from(rejects.join(runs, runs.c.seq == rejects.c.run_seq))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Archived:
    """An archived line or row, as the queries above would select it."""

    run_id: str
    run_seq: int
    position: int
    customer_no: str | None
    outcome: str
    batch_uuid: str | None = None
    reason: str | None
    fields: int = 0
    at: float | None


def _archived_lines(tx: Connection, run_seq: int, lines: Iterable[ArchivedLine]) -> Iterator[_Archived]:
    b = batches.c
    at = func.coalesce(b.settled_at, b.accepted_at, b.sent_at, runs.c.planned_at).label("at")
    about = select(runs.c.run_id, b.seq, b.state, b.batch_uuid, b.message, b.held_by, at)
    query = about.join(runs, runs.c.seq == b.run_seq)
    of_run: dict[int, Any] = {}
    for line in lines:
        of_run = of_run or {row.seq: row for row in tx.execute(query.where(b.run_seq == run_seq))}
        batch = of_run[line.batch_seq]
        outcome = line.outcome or ("planned" if batch.state == State.PLANNED else "updated")
        is_plain = outcome == "updated" and not batch.message.startswith(BY_A_PERSON)
        yield _Archived(
            run_id=batch.run_id,
            run_seq=run_seq,
            position=line.ordinal,
            customer_no=line.customer_no,
            outcome=outcome,
            batch_uuid=batch.batch_uuid,
            reason="" if is_plain else next(filter(_is_given, (line.reason, batch.held_by, batch.message))),
            fields=line.fields,
            at=batch.at,
        )


def _is_given(text: str | None) -> bool:
    return text is not None


def _archived_rejects(tx: Connection, run_seq: int, rows: Iterable[Any]) -> Iterator[_Archived]:
    run = None
    for reject in rows:
        run = run or tx.execute(select(runs.c.run_id, runs.c.created_at).where(runs.c.seq == run_seq)).one()
        yield _Archived(
            run_id=run.run_id,
            run_seq=run_seq,
            position=reject.row,
            customer_no=reject.customer_no,
            outcome="rejected",
            reason=f"{reject.field}: {reject.code}",
            at=run.created_at,
        )


def _outcome(row: Any) -> CustomerOutcome:
    return CustomerOutcome(
        run_id=row.run_id,
        customer_no=row.customer_no or "",
        outcome=row.outcome,
        batch_uuid=row.batch_uuid,
        reason=row.reason or "",
        fields=names_in(row.fields),
        at=time_of(row.at),
    )

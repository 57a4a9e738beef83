"""Queries to the ledger that return views."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from armrest.outbox.errors import OutboxError
from armrest.outbox.ledger import Ledger, State, archived_rejects, batches, customers, flow_runs, rejects, runs
from armrest.outbox.plans import PlanFigures, confirmed_client, key_of_source, source_key
from armrest.outbox.reporting.views import (
    AttemptView,
    BatchCounts,
    BatchView,
    CustomerCounts,
    FailedCustomer,
    RejectedRow,
    RunSummary,
)
from armrest.outbox.run_request import UpdateRequest, request_from_json
from armrest.outbox.runs import Run, decision_on, run_in, unknown_run
from armrest.outbox.sending import attempts_at

_SETTLED: Final = (State.SETTLED, State.PARTLY_FAILED)
_FAILED: Final = (State.FAILED, State.LOST)
MOST_LOOKED_AT: Final = 200
"""Runs of a client among which the last one of a source is looked for."""
ROWS_AT_ONCE: Final = 10_000


def summaries(ledger: Ledger) -> list[RunSummary]:
    """Return all runs, the newest first."""
    with ledger.read() as tx:
        ids = tx.execute(select(runs.c.run_id).order_by(runs.c.seq.desc())).scalars().all()
    return [summary(ledger, run_id) for run_id in ids]


def summary(ledger: Ledger, run_or_flow_run_id: str) -> RunSummary:
    """Return the summary of a run: its state and all figures are those of one moment.

    Raises:
        UnknownRun: The ledger has no such run.
    """
    with ledger.read() as tx:
        run = run_in(tx, run_or_flow_run_id)
        if run is None:
            raise unknown_run(ledger, run_or_flow_run_id)
        row = tx.execute(select(runs).where(runs.c.seq == run.seq)).one()
        customers_, sent, unsent = counts_of_run(tx, row)
        return RunSummary(
            run_id=run.run_id,
            kind=run.kind,
            client_no=run.client_no,
            mode=run.mode,
            source=run.source,
            api_url=run.api_url,
            state=run.state,
            message=run.message,
            customers=customers_,
            batches=sent,
            batch_uuids=_uuids(tx, run),
            rejects_file=run.rejects_file,
            rejected_why=_rejected_why(tx, run),
            failed_why=_reasons(tx, select(customers.c.reason).where(_failed_in(run))) if customers_.failed else [],
            decided=_decided(tx, run, row.figures),
            parent_run_id=run.parent_run_id,
            children=[str(child) for child in tx.execute(_children(run)).scalars()],
            flow_run_ids=[str(name) for name in tx.execute(_flow_run_ids(run)).scalars()],
            created=_required_time(row.created_at),
            started=time_of(run.started_at),
            ended=time_of(run.ended_at),
            slices=run.slices,
            unsent=unsent,
            stopped_by=run.stopped_by,
            approved=decision.approved if (decision := decision_on(run)) else None,
        )


def _decided(tx: Connection, run: Run, figures: str | None) -> str | None:
    """Return the decision about a run that a guard rail had stopped, or None."""
    decision, confirmed = decision_on(run), confirmed_client(tx, run, PlanFigures.from_json(figures))
    return "; ".join(filter(None, (decision.message if decision else None, confirmed))) or None


def _flow_run_ids(run: Run) -> Select[tuple[str]]:
    """Return the query for a run's flow runs, the latest last: Prefect's ids (UUID version 7) sort by time."""
    return select(flow_runs.c.flow_run_id).where(flow_runs.c.run_seq == run.seq).order_by(flow_runs.c.flow_run_id)


def _children(run: Run) -> Select[tuple[str]]:
    return select(runs.c.run_id).where(runs.c.parent_run_id == run.run_id).order_by(runs.c.seq)


def _failed_in(run: Run) -> ColumnElement[bool]:
    return (customers.c.run_seq == run.seq) & (customers.c.outcome == "failed")


def counts_of_run(tx: Connection, run: Row[Any]) -> tuple[CustomerCounts, BatchCounts, int]:
    """Return a run's customers, its batches, and how many of them are not sent."""
    columns = (func.count(), func.sum(batches.c.customers), func.sum(batches.c.failed), func.sum(batches.c.superseded))
    query = select(batches.c.state, *columns).where(batches.c.run_seq == run.seq).group_by(batches.c.state)
    by_state = {State(state): tuple(map(int, figures)) for state, *figures in tx.execute(query)}
    read, rejected, unchanged, planned = run.read, run.rejected, run.unchanged, run.planned
    if run.started_at is None:
        number = sum(figures[0] for figures in by_state.values())
        return CustomerCounts(read, rejected, unchanged, planned), BatchCounts(number), number
    total = failed = superseded = settled = batches_settled = batches_failed = 0
    for state, (number, size, refused, newer) in by_state.items():
        superseded += newer
        total += 0 if state is State.SPLIT else number
        batches_settled += number if state is State.SETTLED else 0
        batches_failed += number if state in (State.PARTLY_FAILED, *_FAILED) else 0
        failed += size - newer if state in _FAILED else refused
        settled += size - refused - newer if state in _SETTLED else 0
    left = planned - settled - failed - superseded
    customers_ = CustomerCounts(read, rejected, unchanged, planned, settled, failed, left, superseded)
    unsent = sum(by_state[state][0] for state in (State.PLANNED, State.HELD) if state in by_state)
    open_ = total - batches_settled - batches_failed
    return customers_, BatchCounts(total, batches_settled, batches_failed, open_), unsent


def _uuids(tx: Connection, run: Run) -> list[str]:
    query = select(batches.c.batch_uuid).where(batches.c.run_seq == run.seq, batches.c.batch_uuid.is_not(None))
    return [str(uuid) for uuid in tx.execute(query.order_by(batches.c.seq)).scalars()]


def _reasons(tx: Connection, query: Select[Any]) -> list[tuple[str, int]]:
    """Return how often each value occurs, the most frequent first."""
    values = query.subquery()
    value = values.c[0]
    counted = select(value, func.count().label("times")).group_by(value).order_by(func.count().desc(), value)
    return [(str(reason or ""), int(times)) for reason, times in tx.execute(counted)]


def _rejected_why(tx: Connection, run: Run) -> list[tuple[str, int]]:
    codes = Counter(dict(_reasons(tx, select(rejects.c.code).where(rejects.c.run_seq == run.seq))))
    codes.update(reject.code for reject in archived_rejects(tx, run.seq))
    return sorted(codes.items(), key=lambda counted: (-counted[1], counted[0]))


def batch_views(ledger: Ledger, run: Run) -> list[BatchView]:
    """Return a run's batches in order, including those that were split."""
    with ledger.read() as tx:
        rows = tx.execute(select(batches).where(batches.c.run_seq == run.seq).order_by(batches.c.seq))
        return [_batch_view(row) for row in rows]


def _batch_view(row: Row[Any]) -> BatchView:
    values: dict[str, Any] = {name: getattr(row, name, None) for name in BatchView.__slots__}
    times = {"submitted": time_of(row.accepted_at), "settled": time_of(row.settled_at)}
    return BatchView(**{**values, **times})


def attempt_views(ledger: Ledger, run: Run) -> list[AttemptView]:
    """Return all attempts of a run's batches, in order."""
    return [
        AttemptView(
            seq=attempt.batch_seq,
            at=_required_time(attempt.at),
            what=attempt.what,
            outcome=attempt.outcome,
            http_status=attempt.http_status,
            duration_ms=attempt.duration_ms,
            request_id=attempt.request_id,
            evidence=attempt.evidence,
        )
        for attempt in attempts_at(ledger, run)
    ]


def failed_customers(ledger: Ledger, run: Run) -> Iterator[FailedCustomer]:
    """Yield the customers of a run that ARM refused, in their order."""
    c, b = customers.c, batches.c
    joined = customers.join(batches, (b.run_seq == c.run_seq) & (b.seq == c.batch_seq))
    query = select(c.customer_no, c.reason, b.seq, b.batch_uuid).select_from(joined).where(_failed_in(run))
    query = query.order_by(c.ordinal).execution_options(yield_per=ROWS_AT_ONCE)
    with ledger.read() as tx, tx.execute(query) as rows:
        for row in rows:
            yield FailedCustomer(row.customer_no, row.reason or "", row.seq, row.batch_uuid)


def refused_in_slice(ledger: Ledger, run: Run, slice_no: int) -> int:
    """Return how many customers of a slice ARM has refused."""
    query = select(func.coalesce(func.sum(batches.c.failed), 0))
    with ledger.read() as tx:
        return int(tx.execute(query.where(batches.c.run_seq == run.seq, batches.c.slice_no == slice_no)).scalar_one())


def rejected_rows(ledger: Ledger, run: Run) -> Iterator[RejectedRow]:
    """Yield the rows of a run's source that were not sent, in their order.

    Of a source that was refused as a whole, they are the first ones.
    """
    query = select(rejects.c.row, rejects.c.customer_no, rejects.c.field, rejects.c.code)
    with ledger.read() as tx:
        query = query.where(rejects.c.run_seq == run.seq).order_by(rejects.c.row)
        for row in tx.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
            yield RejectedRow(row.row, row.customer_no, row.field, row.code)
        for archived in archived_rejects(tx, run.seq):
            yield RejectedRow(archived.row, archived.customer_no, archived.field, archived.code)


def time_of(seconds: float | None) -> datetime | None:
    """Return seconds since 1970 as an aware time."""
    return None if seconds is None else _required_time(seconds)


def _required_time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def last_rows(ledger: Ledger, run: Run) -> int | None:
    """Return how many rows the last sent run of this run's source had read; None if there was no such run.

    For a new source it is the client's last sent run. A short list of corrections is no measure for the whole file.
    """
    earlier = (runs.c.client_id == run.client_id) & (runs.c.kind == "update") & (runs.c.seq < run.seq)
    query = select(runs.c.read, runs.c.run_id, runs.c.kind, runs.c.request)
    query = query.where(earlier, runs.c.started_at.is_not(None)).order_by(runs.c.seq.desc()).limit(MOST_LOOKED_AT)
    key = source_key(run)
    with ledger.read() as tx:
        rows = tx.execute(query).all()
    of_source = (row.read for row in rows if _key_of(row.run_id, row.kind, row.request) == key)
    return next(of_source, rows[0].read if rows else None)


def _key_of(run_id: str, kind: str, request: str) -> str | None:
    """Return the key of the source of a run; None if a newer version asked in another form."""
    try:
        asked = request_from_json(run_id, kind, request)
    except OutboxError:
        return None
    return key_of_source(asked.source) if isinstance(asked, UpdateRequest) else None


def plan_figures(ledger: Ledger, run: Run) -> PlanFigures:
    """Return the stored figures of a run's plan."""
    with ledger.read() as tx:
        return PlanFigures.from_json(tx.execute(select(runs.c.figures).where(runs.c.seq == run.seq)).scalar_one())

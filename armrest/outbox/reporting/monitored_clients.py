"""What monitoring wants to know of each client: its last good run, what is open, what failed, and how fast it went.

The cost does not grow with the number of nights: of each client, the last run is looked at, and what is open now.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from armrest.outbox.ledger import (
    OPEN,
    Ledger,
    State,
    archived_attempts,
    archived_rejects,
    attempts,
    batches,
    clients,
    rejects,
    runs,
)
from armrest.outbox.reporting.queries import counts_of_run
from armrest.outbox.reporting.rerun_candidates import failure_codes
from armrest.outbox.reporting.views import CustomerCounts
from armrest.outbox.run_states import RunState
from armrest.outbox.runs import run_in

MOST_CLIENTS: Final = 1000
"""The most clients that are reported, those with the newest runs first: each has about forty figures."""

SENDING_VERBS: Final = ("PUT", "POST")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The last run that read a client's source and has ended. All codes are our own; none is ARM's text.

    Attributes:
        ended_at: Seconds since 1970.
        seconds: From the start of sending to the end; None if nothing was sent.
        failed: Customers that failed and were not sent again since, by code; see `failure_codes`.
        rejected: Rows of the source with an error, by the code of the rule.
        refused_requests: Requests to send a batch that ARM did not accept, by the name of the error.
    """

    run_id: str
    state: RunState
    ended_at: float
    seconds: float | None
    customers: CustomerCounts
    failed: Mapping[str, int]
    rejected: Mapping[str, int]
    refused_requests: Mapping[str, int]

    @property
    def is_good(self) -> bool:
        """Whether ARM has all that was to be sent; a rerun may have sent what failed at first."""
        return self.state is RunState.COMPLETED or (
            self.state is RunState.PARTLY_FAILED and not sum(self.failed.values())
        )

    @property
    def customers_per_second(self) -> float | None:
        """How fast customers became settled; None if nothing was sent."""
        return self.customers.settled / self.seconds if self.seconds else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFigures:
    """The figures of one client. `waiting` counts its open and held batches by state; times are since 1970."""

    client_no: int
    last_good_at: float | None = None
    last_run: LastRun | None = None
    waiting: Mapping[State, int] = field(default_factory=dict)
    oldest_open_at: float | None = None


def known_apis(ledger: Ledger) -> list[str]:
    """Return the addresses of ARM that runs were made for, in order."""
    with ledger.read() as tx:
        return list(tx.execute(select(clients.c.api_url).distinct().order_by(clients.c.api_url)).scalars())


def client_figures(ledger: Ledger, api_url: str, *, only: Collection[int] = ()) -> list[ClientFigures]:
    """Return the figures of each client of an ARM, in the order of their numbers.

    Args:
        only: The clients that are reported; empty: all that have a run, up to `MOST_CLIENTS`.
    """
    with ledger.read() as tx:
        client_nos = {row.id: int(row.client_no) for row in tx.execute(_clients(api_url, only))}
        waiting = _waiting(tx, client_nos)
    figures = []
    for client_id, client_no in client_nos.items():
        last = _last_run(ledger, client_id)
        states, oldest = waiting.get(client_id, ({}, None))
        good_at = last.ended_at if last and last.is_good else _completed_at(ledger, client_id)
        figures.append(
            ClientFigures(
                client_no=client_no, last_good_at=good_at, last_run=last, waiting=states, oldest_open_at=oldest
            )
        )
    return sorted(figures, key=lambda client: client.client_no)


def _clients(api_url: str, only: Collection[int]) -> Select[Any]:
    newest = select(func.max(runs.c.seq)).where(runs.c.client_id == clients.c.id, runs.c.dry_run == 0).scalar_subquery()
    query = select(clients.c.id, clients.c.client_no).where(clients.c.api_url == api_url, newest.is_not(None))
    if only:
        query = query.where(clients.c.client_no.in_(only))
    return query.order_by(newest.desc()).limit(MOST_CLIENTS)


def _waiting(tx: Connection, client_ids: Collection[int]) -> dict[int, tuple[dict[State, int], float | None]]:
    """Return the batches of each client that wait, by state, and when the oldest open one was sent."""
    query = (
        select(batches.c.client_id, batches.c.state, func.count().label("number"), func.min(batches.c.sent_at))
        .where(batches.c.client_id.in_(client_ids), batches.c.state.in_((*OPEN, State.HELD)))
        .group_by(batches.c.client_id, batches.c.state)
    )
    waiting: dict[int, tuple[dict[State, int], float | None]] = {}
    for client_id, state, number, sent_at in tx.execute(query):
        states, oldest = waiting.get(client_id, ({}, None))
        states[State(state)] = number
        if state in OPEN and sent_at is not None:
            oldest = sent_at if oldest is None else min(oldest, sent_at)
        waiting[client_id] = (states, oldest)
    return waiting


def _ended(client_id: int) -> Select[Any]:
    return (
        select(runs)
        .where(
            runs.c.client_id == client_id,
            runs.c.kind == "update",
            runs.c.dry_run == 0,
            runs.c.ended_at.is_not(None),
        )
        .order_by(runs.c.seq.desc())
        .limit(1)
    )


def _completed_at(ledger: Ledger, client_id: int) -> float | None:
    with ledger.read() as tx:
        row = tx.execute(_ended(client_id).where(runs.c.state == RunState.COMPLETED)).first()
    return None if row is None else float(row.ended_at)


def _last_run(ledger: Ledger, client_id: int) -> LastRun | None:
    with ledger.read() as tx:
        row = tx.execute(_ended(client_id)).first()
        if row is None:
            return None
        run = run_in(tx, row.run_id)
        assert run is not None
        customers, _, _ = counts_of_run(tx, row)
        rejected, refused = _rejected(tx, row.seq), _refused_requests(tx, row.seq)
    return LastRun(
        run_id=run.run_id,
        state=run.state,
        ended_at=row.ended_at,
        seconds=_seconds(row),
        customers=customers,
        failed=failure_codes(ledger, run),
        rejected=rejected,
        refused_requests=refused,
    )


def _seconds(row: Row[Any]) -> float | None:
    return None if row.started_at is None else max(0.0, float(row.ended_at - row.started_at))


def _rejected(tx: Connection, run_seq: int) -> Counter[str]:
    query = select(rejects.c.code, func.count()).where(rejects.c.run_seq == run_seq).group_by(rejects.c.code)
    codes = Counter({str(code): int(number) for code, number in tx.execute(query)})
    codes.update(reject.code for reject in archived_rejects(tx, run_seq))
    return codes


def _refused_requests(tx: Connection, run_seq: int) -> Counter[str]:
    a = attempts.c
    query = select(a.outcome, func.count()).where(a.run_seq == run_seq, a.what.in_(SENDING_VERBS)).group_by(a.outcome)
    codes = Counter({str(outcome): int(number) for outcome, number in tx.execute(query)})
    codes.update(attempt.outcome for attempt in archived_attempts(tx, run_seq) if attempt.what in SENDING_VERBS)
    del codes["accepted"]
    return codes

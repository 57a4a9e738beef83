"""Match customers to clients: which client the ledger knows them for, and who confirmed a source's client."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    func,
    insert,
    select,
)

from armrest.model import customer_keys
from armrest.outbox.ledger import (
    OPEN,
    Ledger,
    State,
    batches,
    carried_by,
    clients,
    confirmations,
    current_lines,
    customers,
    pointed_to_by,
    runs,
)
from armrest.outbox.plans.figures import PlanFigures
from armrest.outbox.run_request import UpdateRequest
from armrest.outbox.runs import Run

MANY: Final = 100
"""A client with at least this many known customers has many."""
NUMBERS_A_QUERY: Final = 500
_REACHED: Final = (*OPEN, State.SETTLED, State.PARTLY_FAILED)
"""A customer is known for a client if it was sent in a batch in one of these states and was not refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMatch:
    """How many of the customers looked up the ledger knows, and for which client.

    Attributes:
        customers: How many were looked up.
        known: How many of them are known for the run's client.
        client_has_many: Whether the run's client has at least 100 known customers.
        other_client_no: The client of the same API for which most of them are known. None: no other client has any, or
            this client has at least half, so that no other was searched.
        elsewhere: How many of them are known for that other client.
    """

    customers: int
    known: int
    client_has_many: bool = False
    other_client_no: int | None = None
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person's confirmation that the customers of a source belong to a client."""

    by: str
    at: float

    @property
    def message(self) -> str:
        """Who confirmed it, and when."""
        return f"client number confirmed by {self.by}, {datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M} UTC"


def match_clients(ledger: Ledger, run: Run, numbers: Sequence[str]) -> ClientMatch:
    """Look customers up for the run's client and, unless at least half are known there, for every other client.

    Each customer costs one index search per client.
    """
    with ledger.read() as tx:
        known = _known_by_client(tx, clients.c.id == run.client_id, numbers)[run.client_no]
        if 2 * known >= len(numbers):
            return ClientMatch(customers=len(numbers), known=known)
        others = and_(clients.c.api_url == run.api_url, clients.c.id != run.client_id)
        matches = _known_by_client(tx, others, numbers).most_common(1)
        other_client_no, elsewhere = matches[0] if matches else (None, 0)
        return ClientMatch(
            customers=len(numbers),
            known=known,
            client_has_many=_has_many(tx, run.client_id),
            other_client_no=other_client_no,
            elsewhere=elsewhere,
        )


def confirm_client(ledger: Ledger, run: Run, *, by: str) -> Confirmation:
    """Record that a person confirms the client of this run's source. The first confirmation is kept."""
    with ledger.write() as tx:
        if confirmed := _confirmation(tx, run):
            return confirmed
        confirmation = Confirmation(by, ledger.now())
        row = {
            "client_id": run.client_id,
            "source": _source_of(run),
            "confirmed_by": by,
            "confirmed_at": confirmation.at,
            "run_id": run.run_id,
        }
        tx.execute(insert(confirmations).values(row))
        return confirmation


def client_confirmation(ledger: Ledger, run: Run) -> Confirmation | None:
    """Return who confirmed that the customers of this run's source belong to its client, or None."""
    with ledger.read() as tx:
        return _confirmation(tx, run)


def client_doubt(tx: Connection, run: Run) -> str | None:
    """Return why a run's plan looks like another client's; None if it does not, or if a person confirmed it."""
    figures = PlanFigures.from_json(tx.execute(select(runs.c.figures).where(runs.c.seq == run.seq)).scalar_one())
    return figures.client_doubt if figures.client_doubt and _confirmation(tx, run) is None else None


def confirmed_client(tx: Connection, run: Run, figures: PlanFigures) -> str | None:
    """Return who confirmed the client number of a run that looked like another client's; None if nobody had to."""
    confirmation = _confirmation(tx, run) if figures.client_doubt else None
    return confirmation.message if confirmation else None


def _confirmation(tx: Connection, run: Run) -> Confirmation | None:
    of_source = and_(confirmations.c.client_id == run.client_id, confirmations.c.source == _source_of(run))
    query = select(confirmations.c.confirmed_by, confirmations.c.confirmed_at).where(of_source)
    row = tx.execute(query).first()
    return Confirmation(row.confirmed_by, row.confirmed_at) if row else None


def _source_of(run: Run) -> str:
    """Return the full path or URL: files of the same name in two folders are two sources."""
    return run.request.source if isinstance(run.request, UpdateRequest) else run.source


def _known_by_client(tx: Connection, which: ColumnElement[bool], numbers: Sequence[str]) -> Counter[int]:
    """Return how many of the customers are known for each of these clients, by client number."""
    key = current_lines.c.customer_key
    query = select(clients.c.client_no, key).select_from(
        clients.join(_LINES, current_lines.c.client_id == clients.c.id)
    )
    query = query.where(which, _is_known_for(clients.c.id), key.in_(_KEYS)).distinct()
    known: Counter[int] = Counter()
    for start in range(0, len(numbers), NUMBERS_A_QUERY):
        looked_up = Counter(customer_keys(numbers[start : start + NUMBERS_A_QUERY]))
        for row in tx.execute(query, {_KEYS.key: list(looked_up)}):
            known[row.client_no] += looked_up[row.customer_key]
    return known


def _has_many(tx: Connection, client: int) -> bool:
    key = current_lines.c.customer_key
    known = select(key).select_from(_LINES).where(_is_known_for(client)).group_by(key).limit(MANY)
    return int(tx.execute(select(func.count()).select_from(known.subquery())).scalar_one()) == MANY


_KEYS: Final[BindParameter[Sequence[str]]] = bindparam("keys", expanding=True)
"""A list as a parameter: SQLAlchemy would compile a table of values again for each query, at 30 ms."""
_LINES: Final = current_lines.join(customers, pointed_to_by(current_lines, customers)).join(
    batches, carried_by(customers, batches)
)


def _is_known_for(client: int | ColumnElement[int]) -> ColumnElement[bool]:
    reached = and_(batches.c.state.in_(_REACHED), batches.c.sent_at.is_not(None))
    return and_(current_lines.c.client_id == client, customers.c.outcome.is_(None), reached)

"""The newest run of each source: which files have been read, when, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import select

from armrest.model import SourceRequest
from armrest.outbox.errors import OutboxError
from armrest.outbox.ledger import Ledger, clients, runs
from armrest.outbox.reporting.queries import time_of
from armrest.outbox.run_request import request_from_json
from armrest.outbox.run_states import RunState

MOST_RUNS: Final = 5000
"""How many runs are looked at, the newest first: years of nights."""


@dataclass(frozen=True, slots=True)
class SourceRun:
    """The newest run that read a source. `source` is its absolute path or address; it may be a folder or a glob."""

    source: str
    run_id: str
    client_no: int
    state: RunState
    created: datetime


def newest_runs_of_sources(ledger: Ledger) -> list[SourceRun]:
    """Return the newest run of each source among the last `MOST_RUNS` runs, the newest run first."""
    columns = (runs.c.run_id, runs.c.kind, runs.c.request, runs.c.state, runs.c.created_at, clients.c.client_no)
    query = select(*columns).join(clients, clients.c.id == runs.c.client_id).where(runs.c.kind == "update")
    newest: dict[str, SourceRun] = {}
    with ledger.read() as tx, tx.execute(query.order_by(runs.c.seq.desc())) as rows:
        for row in islice(rows, MOST_RUNS):
            source = _source(row.run_id, row.kind, row.request)
            created = time_of(row.created_at)
            if source is not None and created is not None and source not in newest:
                newest[source] = SourceRun(source, row.run_id, row.client_no, RunState(row.state), created)
    return list(newest.values())


def _source(run_id: str, kind: str, request: str) -> str | None:
    """Return the source that a run was asked to read; None if a newer version asked in another form."""
    try:
        asked = request_from_json(run_id, kind, request)
    except OutboxError:
        return None
    return asked.source if isinstance(asked, SourceRequest) else None

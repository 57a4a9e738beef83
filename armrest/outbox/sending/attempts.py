"""The append-only history of attempts: time, kind, outcome, duration, and ARM's redacted answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from statistics import median
from typing import Final

from sqlalchemy import Connection, insert, select

from armrest.outbox.batches import Batch
from armrest.outbox.ledger import Ledger, archived_attempts, attempts
from armrest.outbox.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request, or one declaration by a person. `at` is in seconds since 1970, `duration_ms` in milliseconds."""

    run_seq: int
    batch_seq: int
    at: float
    what: str
    outcome: str
    http_status: int | None = None
    duration_ms: int | None = None
    request_id: str | None = None
    evidence: str = ""


FIRST_ANSWERS: Final = 5
"""Answers needed to measure how long one takes when nothing else is under way; the first includes the login."""

_APPEND: Final = insert(attempts)


def append_attempt(ledger: Ledger, attempt: Attempt) -> None:
    """Queue an attempt for the transaction that writes its outcome: its own transaction would cost as much again."""
    ledger.write_along(_APPEND, {name: getattr(attempt, name) for name in Attempt.__slots__})


def attempts_at(ledger: Ledger, run: Run, batch: Batch | None = None) -> list[Attempt]:
    """Return all attempts of a run's batches, or of one batch, in order."""
    ledger.flush()
    query = select(attempts).where(attempts.c.run_seq == run.seq).order_by(attempts.c.id)
    if batch is not None:
        query = query.where(attempts.c.batch_seq == batch.seq)
    with ledger.read() as tx:
        recent = [Attempt(**{name: getattr(row, name) for name in Attempt.__slots__}) for row in tx.execute(query)]
        return [*_archived_attempts(tx, run, batch), *recent]


def _archived_attempts(tx: Connection, run: Run, batch: Batch | None) -> Iterator[Attempt]:
    for row in archived_attempts(tx, run.seq):
        if batch is None or row.batch_seq == batch.seq:
            columns = row._asdict()
            del columns["id"]
            yield Attempt(run_seq=run.seq, **columns)


def usual_seconds(ledger: Ledger, run: Run) -> dict[str, float]:
    """Return how long ARM took to accept a run's first batches, by verb; empty if it has accepted none."""
    accepted = (attempts.c.run_seq == run.seq) & (attempts.c.outcome == "accepted")
    query = select(attempts.c.what, attempts.c.duration_ms).where(accepted).order_by(attempts.c.id).limit(FIRST_ANSWERS)
    with ledger.read() as tx:
        first = sorted(tx.execute(query), key=attrgetter("what"))
    by_verb = groupby(first, key=attrgetter("what"))
    return {verb: max(1.0, median(row.duration_ms for row in rows)) / 1000 for verb, rows in by_verb}

"""Compare a plan that is being made with what ARM is known to hold of the client's customers.

Only settled data is trusted. A customer is unchanged if its newest data has settled and has the same fingerprint. While
that data is unsent, in flight, refused or lost, the customer counts as changed: a customer that is left out could not
override older data that is sent later. Fingerprints are keyed hashes of the data sent, so another mapping or policy
gives other fingerprints.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from armrest.outbox.batches import OPEN, UNFINISHED, State
from armrest.outbox.ledger import Ledger, batches, clients, customers, runs
from armrest.outbox.runs import Run, client_id

_TEMPORARY: Final = MetaData()
_block: Final = Table(
    "block", _TEMPORARY, Column("position", Integer), Column("customer_no", Text), prefixes=["TEMPORARY"]
)
_seen: Final = Table("seen", _TEMPORARY, Column("customer_no", Text), prefixes=["TEMPORARY"])
Index("seen_by_number", _seen.c.customer_no)  # not unique: duplicate rows are detected later, when all are read
ROWS_AT_ONCE: Final = 10_000
_NO_BASELINE: Final = literal(b"", LargeBinary)
"""Replaces the fingerprint of data that ARM may not hold; it equals no real fingerprint."""
_SETTLED: Final = (State.SETTLED, State.PARTLY_FAILED)


class Change(StrEnum):
    """The result of comparing a customer with what ARM is known to hold."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Comparison:
    """Compares customers block by block, in bounded memory; a context manager, used under the client's lease.

    Each block is its own transaction: SQLite cannot checkpoint its log during a read, and a plan writes gigabytes.
    """

    def __init__(self, ledger: Ledger, run: Run) -> None:
        self._ledger = ledger
        self._run = run
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._tx = self._open.enter_context(self._ledger.read())
        _TEMPORARY.create_all(self._tx, checkfirst=False)
        forgotten = select(clients.c.forgotten_seq).where(clients.c.id == self._run.client_id)
        self._forgotten = self._tx.execute(forgotten).scalar_one()
        self._tx.commit()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tx.invalidate()  # this drops the temporary tables, too
        self._open.__exit__(kind, error, trace)

    def compare(self, numbers: Sequence[str], fingerprints: Sequence[bytes]) -> list[Change]:
        """Return the change of each of these customers, in their order."""
        self._tx.execute(_block.delete())
        if numbers:
            rows = [{"position": position, "customer_no": number.lower()} for position, number in enumerate(numbers)]
            self._tx.execute(insert(_block), rows)
        last = {row.position: row.newest for row in self._tx.execute(self._newest()) if row.newest is not None}
        known = [{"customer_no": numbers[position].lower()} for position in last]
        if known:
            self._tx.execute(insert(_seen), known)
        self._tx.commit()
        return [_change(position, last, print_) for position, print_ in enumerate(fingerprints)]

    def _newest(self) -> Any:
        """Look up each customer of the block in the index, which SQLite uses only if both sides are `lower(…)`."""
        c, b = customers.c, batches.c
        trusted = and_(b.state.in_(_SETTLED), c.outcome.is_(None), c.fingerprint.is_not(None))
        newest = (
            select(case((trusted, c.fingerprint), else_=_NO_BASELINE))
            .join_from(customers, batches, and_(b.run_seq == c.run_seq, b.seq == c.batch_seq))
            .where(self._is_of_client(), func.lower(c.customer_no) == func.lower(_block.c.customer_no))
            .where(or_(self._was_sent(), self._may_be_sent()))
            .order_by(b.data_seq.desc(), c.run_seq.desc())
            .limit(1)
            .correlate(_block)
        )
        return select(_block.c.position, newest.scalar_subquery().label("newest"))

    def _is_of_client(self) -> Any:
        return customers.c.client_id == self._run.client_id

    def _was_sent(self) -> Any:
        c = customers.c
        meant = or_(c.outcome.is_(None), c.outcome != "superseded")
        return and_(c.run_seq > self._forgotten, meant, batches.c.sent_at.is_not(None))

    def _may_be_sent(self) -> Any:
        """Data planned or held in another run, which would overwrite a customer that is skipped as unchanged."""
        c = customers.c
        unfinished = and_(batches.c.state.in_(UNFINISHED), c.outcome.is_(None))
        unsendable = c.run_seq.in_(_dry_or_incomplete_runs(self._run.client_id))
        return and_(unfinished, ~unsendable, c.run_seq != self._run.seq)

    def known(self) -> int:
        """Return how many customers of the client the ledger has seen sent."""
        return int(self._tx.execute(select(func.count()).select_from(self._known().subquery())).scalar_one())

    def vanished(self) -> Iterator[str]:
        """Yield the known customers that are in none of the blocks; they are listed, never deleted."""
        known = self._known().subquery()
        gone = ~exists().where(_seen.c.customer_no == known.c.customer_no)
        query = select(known.c.customer_no).where(gone).order_by(known.c.customer_no)
        with self._tx.execute(query.execution_options(yield_per=ROWS_AT_ONCE)) as rows:
            yield from rows.scalars()

    def _known(self) -> Any:
        c, b = customers.c, batches.c
        joined = customers.join(batches, and_(b.run_seq == c.run_seq, b.seq == c.batch_seq))
        number = func.lower(c.customer_no).label("customer_no")
        return select(number).select_from(joined).where(self._is_of_client(), self._was_sent()).distinct()


def _change(position: int, last: Mapping[int, bytes], fingerprint: bytes) -> Change:
    if position not in last:
        return Change.NEW
    return Change.UNCHANGED if last[position] == fingerprint else Change.CHANGED


def _dry_or_incomplete_runs(client: int) -> Select[tuple[int]]:
    """Select the plans that were not applied, and incomplete ones, which are planned again before they are sent."""
    unsent = or_(runs.c.dry_run == 1, runs.c.planned_at.is_(None))
    return select(runs.c.seq).where(runs.c.client_id == client, unsent)


def compared_since(tx: Connection, run: Run) -> str | None:
    """Return a run with newer data that skipped unchanged customers, if any.

    The ledger does not record which customers it skipped, so a plan that it did not compare with may not be sent later.
    """
    newer = and_(runs.c.client_id == run.client_id, runs.c.data_seq > run.data_seq, runs.c.unchanged > 0)
    sent = runs.c.seq.not_in(_dry_or_incomplete_runs(run.client_id))
    return tx.execute(select(runs.c.run_id).where(newer, sent).order_by(runs.c.data_seq.desc()).limit(1)).scalar()


def in_flight(tx: Connection, run: Run) -> int:
    """Return how many customers of a plan are in an open batch of another run: they would be held."""
    own, others, other_batches = customers.alias("own"), customers.alias("others"), batches.alias("other_batches")
    in_other_run = and_(
        other_batches.c.client_id == run.client_id, other_batches.c.state.in_(OPEN), other_batches.c.run_seq != run.seq
    )
    if tx.execute(select(other_batches.c.seq).where(in_other_run).limit(1)).first() is None:
        return 0
    same = and_(
        others.c.client_id == own.c.client_id, func.lower(others.c.customer_no) == func.lower(own.c.customer_no)
    )
    query = (
        select(func.count(own.c.ordinal.distinct()))
        .join_from(own, others, same)
        .join(
            other_batches, and_(other_batches.c.run_seq == others.c.run_seq, other_batches.c.seq == others.c.batch_seq)
        )
        .where(own.c.run_seq == run.seq, in_other_run, others.c.outcome.is_(None))
    )
    return int(tx.execute(query).scalar_one())


def reset_baseline(ledger: Ledger, *, api_url: str, client_no: int) -> int:
    """Stop trusting everything sent for a client so far; return the number of runs affected."""
    with ledger.write() as tx:
        number = client_id(tx, api_url, client_no)
        of_client = runs.c.client_id == number
        newest = tx.execute(select(func.coalesce(func.max(runs.c.seq), 0)).where(of_client)).scalar_one()
        before = tx.execute(select(clients.c.forgotten_seq).where(clients.c.id == number)).scalar_one()
        tx.execute(update(clients).where(clients.c.id == number).values(forgotten_seq=newest))
        return int(tx.execute(select(func.count()).where(of_client, runs.c.seq > before)).scalar_one())

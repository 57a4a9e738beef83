"""Compare a plan that is being made with what ARM is known to hold of the client's customers.

Only settled data is trusted. A customer is unchanged if its newest data has settled and has the same fingerprint. While
that data is unsent, in flight, refused or lost, the customer counts as changed: a customer that is left out could not
override older data that is sent later. Fingerprints are keyed hashes of the data sent, so another mapping or policy
gives other fingerprints.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Insert,
    Join,
    LargeBinary,
    MetaData,
    Select,
    Table,
    TableValuedAlias,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
)

from armrest.model import FINGERPRINT_BYTES, customer_keys
from armrest.outbox.ledger import (
    OPEN,
    UNFINISHED,
    Ledger,
    State,
    batches,
    carried_by,
    clients,
    current_lines,
    customers,
    key_of,
    pointed_to_by,
    runs,
)
from armrest.outbox.plans.block_keys import BLOCK, each_key, keys_as_json
from armrest.outbox.runs import Run

_TEMPORARY: Final = MetaData()
_blocks: Final = Table("blocks", _TEMPORARY, Column("as_json", Text), prefixes=["TEMPORARY"])
"""The keys of all customers of the source so far: an array for each block, as a row for each key costs far more."""
_seen: Final = Table("seen", _TEMPORARY, Column("customer_key", Text), prefixes=["TEMPORARY"])
"""The same, a row for each key. It is filled and indexed at the end."""
_seen_by_key: Final = text("CREATE INDEX seen_by_key ON seen (customer_key)")
_unsent: Final = Table(
    "unsent",
    _TEMPORARY,
    Column("customer_key", Text),
    Column("run_seq", BigInteger),
    Column("ordinal", BigInteger),
    prefixes=["TEMPORARY"],
)
Index("unsent_by_key", _unsent.c.customer_key)
_vanished: Final = Table(
    "vanished",
    _TEMPORARY,
    Column("customer_key", Text),
    Column("customer_no", Text),
    prefixes=["TEMPORARY"],
)
ROWS_AT_ONCE: Final = 10_000
_NO_BASELINE: Final = b""
"""Replaces the fingerprint of data that ARM may not hold; it equals no real fingerprint."""
_NEVER_SENT: Final = b"never sent"
"""The same for data that ARM certainly does not hold, but that may be sent."""
_SETTLED: Final = (State.SETTLED, State.PARTLY_FAILED)
_FINGERPRINTS: Final = bindparam("fingerprints", type_=LargeBinary)
"""The fingerprints of a block, one after the other."""

_Newest = tuple[int, int, bytes]
"""How new a customer's newest data is, by `data_seq` and run; and its fingerprint."""


class Change(StrEnum):
    """How a customer differs from what ARM is known to hold."""

    NEW = "new"
    CHANGED = "changed"


class Comparison:
    """Compares customers block by block, in bounded memory; a context manager, used under the client's lease.

    Each block is its own transaction: SQLite cannot checkpoint its log during a read, and a plan writes gigabytes. What
    other runs have planned and never sent is listed once, at the beginning: under the lease, nobody else plans. Each
    customer is compared once.
    """

    def __init__(self, ledger: Ledger, run: Run) -> None:
        self._ledger = ledger
        self._run = run
        self._known_here = 0
        self._lines_met = 0
        self._is_listed = False

    def __enter__(self) -> Self:
        with ExitStack() as on_trouble:
            self._tx = on_trouble.enter_context(self._ledger.read())
            on_trouble.callback(self._tx.invalidate)  # this drops the temporary tables, too
            self._begin()
            self._open = on_trouble.pop_all()
        return self

    def _begin(self) -> None:
        _TEMPORARY.create_all(self._tx, checkfirst=False)
        forgotten = select(clients.c.forgotten_seq).where(clients.c.id == self._run.client_id)
        self._forgotten = self._tx.execute(forgotten).scalar_one()
        self._lines_before = self._count_lines()
        self._tx.execute(_list_unsent(self._run))
        self._has_unsent = self._tx.execute(select(_unsent.c.ordinal).limit(1)).first() is not None
        self._others = self._select_others()
        self._current = self._select_current()
        self._never_sent = self._select_never_sent()
        self._tx.commit()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def compare(self, numbers: Sequence[str], fingerprints: Sequence[bytes]) -> dict[int, Change]:
        """Return which of these customers are new or have changed, by position; all others are unchanged.

        The database compares the fingerprints. Customers whose data has settled as it is here are most of a usual
        source, and no row is returned for them.
        """
        here = b"".join(fingerprints)
        assert len(here) == FINGERPRINT_BYTES * len(numbers)
        keys = customer_keys(numbers)
        block = keys_as_json(keys)
        self._tx.execute(insert(_blocks), {"as_json": block})
        others = dict(self._rows(self._others, block, fingerprints=here))
        unclear = {position for position, is_known in others.items() if is_known}.union(self._unsent_positions(block))
        settled = len(keys) - len(unclear.union(others))
        self._known_here += settled
        self._lines_met += settled
        changes = dict.fromkeys(others, Change.NEW)
        if unclear:
            positions = sorted(unclear)
            newest = self._newest(keys_as_json([keys[position] for position in positions]))
            for index, position in enumerate(positions):
                changes.pop(position, None)
                if index not in newest:
                    changes[position] = Change.NEW
                elif newest[index][-1] != fingerprints[position]:
                    changes[position] = Change.CHANGED
        self._tx.commit()
        return changes

    def _newest(self, block: str) -> dict[int, _Newest]:
        """Return the newest data of each customer of the block that has any, by position.

        Two lines of one run were written by a version that took them for two customers. Which of them ARM has applied
        last is unknown, so neither is trusted.
        """
        newest: dict[int, _Newest] = {}
        sent = set()
        lines = self._rows(self._current, block)
        self._lines_met += sum(fingerprint is not None for _, fingerprint, *_ in lines)
        never_sent = self._rows(self._never_sent, block) if self._has_unsent else ()
        for position, fingerprint, data_seq, run_seq in (*lines, *never_sent):
            if fingerprint is None:
                continue
            if fingerprint != _NEVER_SENT:
                sent.add(position)
            known = newest.get(position)
            if known is None or known[:2] < (data_seq, run_seq):
                newest[position] = (data_seq, run_seq, fingerprint)
            elif known[:2] == (data_seq, run_seq):
                newest[position] = (data_seq, run_seq, _NO_BASELINE)
        self._known_here += len(sent)
        return newest

    def _unsent_positions(self, block: str) -> set[int]:
        """Return the positions of the customers of the block of which another run has data that was never sent."""
        if not self._has_unsent:
            return set()
        keys, position = each_key(BLOCK, self._tx.dialect.name)
        query = select(position).select_from(keys).where(exists().where(_unsent.c.customer_key == keys.c.value))
        return {row[0] for row in self._rows(query, block)}

    def _rows(self, query: Select[Any], block: str, **more: object) -> Sequence[tuple[Any, ...]]:
        """Return the rows as the driver does; SQLAlchemy's own rows cost a sixth of the query."""
        with closing(self._tx.execute(query, {BLOCK.key: block, **more})) as result:
            rows: Sequence[tuple[Any, ...]] = result.cursor.fetchall()
            return rows

    def _select_others(self) -> Select[Any]:
        """Select the customers of the block that have no line, or a line other than settled data as it is here.

        Returned are the position and whether there is a line: one search in the primary key for each customer.
        """
        keys, position = each_key(BLOCK, self._tx.dialect.name)
        here = func.substr(_FINGERPRINTS, position * FINGERPRINT_BYTES + 1, FINGERPRINT_BYTES)
        is_same = and_(_has_settled(), customers.c.fingerprint == here)
        joined = self._join(keys, current_lines, self._of_client(), self._was_sent())
        returned: tuple[Any, ...] = (position, current_lines.c.customer_key.is_not(None))
        return select(*returned).select_from(joined).where(is_same.is_not(true()))

    def _select_current(self) -> Select[Any]:
        """Select the lines that count of each customer of the block."""
        counts = or_(self._was_sent(), self._may_be_sent())
        return self._select_lines(current_lines, self._of_client(), counts)

    def _select_never_sent(self) -> Select[Any]:
        counts = and_(batches.c.sent_at.is_(None), self._may_be_sent())
        return self._select_lines(_unsent, true(), counts)

    def _select_lines(
        self, pointers: Table, of_client: ColumnElement[bool], counts: ColumnElement[bool]
    ) -> Select[Any]:
        """Select the lines of each customer of the block: the fingerprint if it is trusted; null if it does not count.

        Each line comes with its age.
        """
        c, b = customers.c, batches.c
        keys, position = each_key(BLOCK, self._tx.dialect.name)
        fingerprint = case(
            (and_(_has_settled(), c.fingerprint.is_not(None)), c.fingerprint),
            (self._was_sent(), literal(_NO_BASELINE, LargeBinary)),
            (b.seq.is_not(None), literal(_NEVER_SENT, LargeBinary)),
        )
        joined = self._join(keys, pointers, of_client, counts)
        return select(position, fingerprint, b.data_seq, c.run_seq).select_from(joined)

    def _join(
        self, keys: TableValuedAlias, pointers: Table, of_client: ColumnElement[bool], counts: ColumnElement[bool]
    ) -> Join:
        """Join each key with its lines, and with their batches if the lines count.

        The joins are outer ones, so that SQLite looks each customer of the block up. It would rather read all the
        pointers of the client once for each block.
        """
        return (
            keys.outerjoin(pointers, and_(of_client, pointers.c.customer_key == keys.c.value))
            .outerjoin(customers, pointed_to_by(pointers, customers))
            .outerjoin(batches, and_(carried_by(customers, batches), counts))
        )

    def _of_client(self) -> ColumnElement[bool]:
        return current_lines.c.client_id == self._run.client_id

    def _was_sent(self) -> ColumnElement[bool]:
        c = customers.c
        meant = or_(c.outcome.is_(None), c.outcome != "superseded")
        return and_(c.run_seq > self._forgotten, meant, batches.c.sent_at.is_not(None))

    def _may_be_sent(self) -> ColumnElement[bool]:
        """Data of another run that is not sent, and would overwrite a customer that is skipped as unchanged."""
        return and_(_is_unsent(), _of_another_run(self._run))

    def known(self) -> int:
        """Return how many customers of the client the ledger has seen sent. Nothing is compared after that."""
        self._list_vanished()
        return self._known_here + int(self._tx.execute(select(func.count()).select_from(_vanished)).scalar_one())

    def vanished(self) -> Iterator[str]:
        """Yield the known customers that are in none of the blocks; they are listed, never deleted.

        Nothing is compared after that.
        """
        self._list_vanished()
        query = select(_vanished.c.customer_no).order_by(_vanished.c.customer_key)
        with self._tx.execute(query.execution_options(yield_per=ROWS_AT_ONCE)) as rows:
            yield from rows.scalars()

    def _list_vanished(self) -> None:
        """Look once for the known customers that are in no block; to count all known ones would take as long again."""
        if self._is_listed:
            return
        self._is_listed = True
        if self._has_met_all():
            return
        keys, _ = each_key(_blocks.c.as_json, self._tx.dialect.name)
        every_key = select(keys.c.value).select_from(_blocks.join(keys, true()))
        self._tx.execute(insert(_seen).from_select(["customer_key"], every_key))
        self._tx.execute(_seen_by_key)
        self._tx.execute(insert(_vanished).from_select(["customer_key", "customer_no"], self._gone()))

    def _has_met_all(self) -> bool:
        """Whether every current line was met, so that nobody can have vanished.

        That holds under the lease, as nobody else adds lines then: the same number at the end means the same lines.
        """
        is_alone = not self._run.request.dry_run
        return is_alone and self._lines_met == self._lines_before == self._count_lines()

    def _count_lines(self) -> int:
        """Return how many current lines the client has, whatever they say."""
        of_client = current_lines.c.client_id == self._run.client_id
        return int(self._tx.execute(select(func.count()).where(of_client)).scalar_one())

    def _gone(self) -> Select[Any]:
        """Select each customer that was sent and is in no block.

        It goes by the pointers, in the order of their primary key, and follows only those of customers not seen.
        """
        key = current_lines.c.customer_key
        joined = current_lines.join(customers, pointed_to_by(current_lines, customers)).join(
            batches, carried_by(customers, batches)
        )
        return (
            select(key, func.min(customers.c.customer_no).label("customer_no"))
            .select_from(joined)
            .where(current_lines.c.client_id == self._run.client_id, self._was_sent())
            .where(~exists().where(_seen.c.customer_key == key))
            .group_by(key)
        )


def _has_settled() -> ColumnElement[bool]:
    """Whether ARM holds the data of a line."""
    return and_(batches.c.state.in_(_SETTLED), customers.c.outcome.is_(None))


def _list_unsent(run: Run) -> Insert:
    """List the lines of other runs that ARM certainly does not have: normally few. The others are in current_lines."""
    b = batches.c
    in_range = customers.c.ordinal.between(b.first_ordinal, b.last_ordinal)
    lines = (
        select(key_of(customers), customers.c.run_seq, customers.c.ordinal)
        .select_from(batches)
        .join(customers, and_(carried_by(customers, batches), in_range))
        .where(b.client_id == run.client_id, b.state.in_((*UNFINISHED, State.FAILED)), b.sent_at.is_(None))
        .where(_is_unsent(), _of_another_run(run))
    )
    return insert(_unsent).from_select(["customer_key", "run_seq", "ordinal"], lines)


def _is_unsent() -> ColumnElement[bool]:
    """Whether a line is not sent yet, or was refused with its request: a rerun may send it."""
    unfinished = and_(batches.c.state.in_(UNFINISHED), customers.c.outcome.is_(None))
    return or_(unfinished, and_(batches.c.state == State.FAILED, batches.c.sent_at.is_(None)))


def _of_another_run(run: Run) -> ColumnElement[bool]:
    """Whether a batch belongs to another run that may be sent as it is planned.

    It asks the batch, not its lines: a plan that was never applied stays for years, and its lines are not read.
    """
    unsendable = batches.c.run_seq.in_(_dry_or_incomplete_runs(run.client_id))
    return and_(~unsendable, batches.c.run_seq != run.seq)


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
    same = and_(current_lines.c.client_id == own.c.client_id, current_lines.c.customer_key == key_of(own))
    query = (
        select(func.count(own.c.ordinal.distinct()))
        .select_from(own)
        .join(current_lines, same)
        .join(others, pointed_to_by(current_lines, others))
        .join(other_batches, carried_by(others, other_batches))
        .where(own.c.run_seq == run.seq, in_other_run, others.c.outcome.is_(None))
    )
    return int(tx.execute(query).scalar_one())

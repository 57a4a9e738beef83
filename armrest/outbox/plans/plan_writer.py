"""Write a plan: turn customers into bodies and ledger lines, in bounded memory.

A plan is valid once its completion mark is committed; the bodies are on disk before that.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import update

from armrest.model import TAIL, Serialized, customer_keys, envelope, head, serialize
from armrest.outbox.errors import LeaseLost
from armrest.outbox.ledger import Ledger, State, batches, customers, insert_in_bulk, rejects, runs
from armrest.outbox.outbox import Outbox
from armrest.outbox.plans.comparison import Change, Comparison, in_flight
from armrest.outbox.plans.figures import PlanFigures
from armrest.outbox.plans.plan_attempt import PlanAttempt
from armrest.outbox.plans.profiles import save_profile
from armrest.outbox.run_states import RunState
from armrest.outbox.runs import Run

MOST_SLICES: Final = 100
"""About the most slices of a run: task runs cost more than requests."""

COMMIT_LINES: Final = 10_000
"""Lines per transaction: each one costs a flush to disk, whatever its size."""

COMPARED_AT_ONCE: Final = 2_000
"""Customers that are compared together: each comparison is a transaction of four statements."""

_LINE = ("run_seq", "ordinal", "client_id", "batch_seq", "customer_no", "fields", "fingerprint")
_KEYED_LINE = (*_LINE, "customer_key")
_REJECT = ("run_seq", "row", "client_id", "customer_no", "customer_key", "field", "code")


RejectedCells = tuple[int, str | None, str, str]
"""A rejected row: its number, its customer number if that may be shown, the field at fault, and the code."""


class CustomerTooLarge(Exception):
    """One customer alone exceeds the size of a body; `position` is its index among those added."""

    def __init__(self, position: int, size_bytes: int) -> None:
        super().__init__(position, size_bytes)
        self.position = position
        self.size_bytes = size_bytes


@dataclass(frozen=True, slots=True)
class _Lines:
    """The ledger's lines of one batch, without the customers' JSON, which is written by then.

    Attributes:
        ordinals: The position of each customer in the plan.
        keys: The keys to store; None: all numbers are their own.
    """

    batch_seq: int
    ordinals: range
    numbers: Sequence[str]
    keys: Sequence[str | None] | None
    masks: Sequence[int]
    fingerprints: Sequence[bytes]

    def rows(self, run: Run) -> Iterator[tuple[Any, ...]]:
        """Return a row for each customer.

        Python's driver adapts each `None` and each `bytes`, which costs more than to store it; not so a `bytearray`.
        """
        same = (repeat(run.seq), self.ordinals, repeat(run.client_id), repeat(self.batch_seq))
        keys = () if self.keys is None else (self.keys,)
        return zip(*same, self.numbers, self.masks, map(bytearray, self.fingerprints), *keys, strict=False)


class PlanWriter:
    """Writes customers in batches; a context manager, in which `complete` comes last.

    Each of its transactions asserts that the attempt may still write. If it may not, the writer removes its bodies.

    Args:
        batch_size: The most customers per batch.
        max_body_bytes: The most bytes per body.
        comparison: Finds new, changed and unchanged customers; None: do not compare.
        changes_only: Skip unchanged customers.
        on_new: Called with the numbers of customers that the comparison does not know.
    """

    def __init__(
        self,
        outbox: Outbox,
        attempt: PlanAttempt,
        *,
        batch_size: int,
        max_body_bytes: int,
        comparison: Comparison | None = None,
        changes_only: bool = False,
        on_new: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._outbox = outbox
        self._attempt = attempt
        run = self._run = attempt.run
        self._batch_size = batch_size
        self._room = max_body_bytes - len(head(run.user_id)) - len(TAIL)
        self._bodies = outbox.bodies.writer(run.run_id)
        self._comparison = comparison
        self._changes_only = changes_only
        self._on_new = on_new
        self.figures = PlanFigures(compared=comparison is not None)
        self._uncompared = Serialized()
        self._waiting = Serialized()
        self._batches: list[dict[str, Any]] = []
        self._lines: list[_Lines] = []
        self._uncommitted = 0
        self._rejects: list[tuple[Any, ...]] = []
        self._ordinal = 0
        self._seq = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._bodies.__exit__()
        if isinstance(error, LeaseLost):
            self._outbox.bodies.remove_files(self._bodies.files)

    def add(self, customer_updates: Iterable[Mapping[str, Any]]) -> None:
        """Plan customers, in order; each customer number may occur once in a plan.

        Raises:
            CustomerTooLarge: A customer fits into no batch.
        """
        self.add_sealed(serialize(customer_updates, self._outbox.ledger.fingerprint_key))

    def add_sealed(self, sealed: Serialized) -> None:
        """Plan customers that were serialized with the ledger's key.

        Raises:
            CustomerTooLarge: A customer fits into no batch.
        """
        sizes = list(map(len, sealed.parts))
        if sizes and (largest := max(sizes)) > self._room:
            raise CustomerTooLarge(sizes.index(largest), largest)
        if self._comparison:
            self._uncompared.append(sealed)
            if len(self._uncompared) >= COMPARED_AT_ONCE:
                self._compare(self._comparison)
        else:
            self._send(sealed)
        if self._uncommitted + len(self._rejects) >= COMMIT_LINES:
            self._commit()

    def end_batch(self) -> None:
        """End the current batch; the next customer starts a new one."""
        if self._comparison and self._uncompared:
            self._compare(self._comparison)
        self._cut(whole=True)
        self._commit()

    def reject(self, rejected: Iterable[RejectedCells]) -> None:
        """Record rows that will not be sent. Committed with the batches."""
        self._rejects.extend(_reject_rows(self._run, rejected))

    def complete(self, *, profile: str | None = None) -> int:
        """Commit the plan; return its number of customers. From now on it may be sent.

        Args:
            profile: What its source is like, as JSON; None: nothing to compare later sources with.

        Raises:
            LeaseLost: Another process has taken over meanwhile.
        """
        self.end_batch()
        self._bodies.__exit__()
        per_slice = max(1, -(-self._seq // MOST_SLICES))
        with self._outbox.ledger.write() as tx:
            self._attempt.assert_current(tx)
            own = batches.c.run_seq == self._run.seq
            tx.execute(update(batches).where(own).values(slice_no=(batches.c.seq - 1) // per_slice + 1))
            done = {
                "planned": self._ordinal,
                "unchanged": self.figures.unchanged if self._changes_only else 0,
                "slices": -(-self._seq // per_slice),
                "state": RunState.PLANNED,
                "figures": self.figures.as_json(),
                "planned_at": self._outbox.ledger.now(),
            }
            tx.execute(update(runs).where(runs.c.seq == self._run.seq).values(done))
            if profile is not None:
                save_profile(tx, self._run, profile)
        return self._ordinal

    def count_at_the_end(self, *, on_vanished: Callable[[str], None] = lambda _: None) -> None:
        """Count what is known only at the end: held, known and vanished customers.

        Args:
            on_vanished: Called with the number of each known customer that is not in the source.
        """
        self.end_batch()
        with self._outbox.ledger.read() as tx:
            self.figures.held = in_flight(tx, self._run)
        if self._comparison:
            self.figures.known = self._comparison.known()
            self.figures.count_vanished(_shown_to(on_vanished, self._comparison.vanished()))

    def _compare(self, comparison: Comparison) -> None:
        """Compare the customers that wait for it, and send those that are to be sent."""
        sealed, self._uncompared = self._uncompared, Serialized()
        changes = comparison.compare(sealed.numbers, sealed.fingerprints)
        self.figures.count_changes(changes, of=len(sealed))
        new = [position for position, change in changes.items() if change is Change.NEW]
        self._on_new([sealed.numbers[position] for position in sorted(new)])
        if self._changes_only:
            sealed = sealed.select(sorted(changes))
        self._send(sealed)

    def _send(self, sealed: Serialized) -> None:
        self.figures.count_sent(sealed.masks)
        self._waiting.append(sealed)
        self._cut()

    def _cut(self, *, whole: bool = False) -> None:
        """Write all full batches, and with `whole` the last one, too."""
        start = 0
        while start < len(self._waiting):
            nearest = self._waiting.slice(start, start + self._batch_size)
            fitting = self._count_fitting(nearest)
            if not whole and fitting == len(nearest) < self._batch_size:
                break
            self._write_batch(nearest if fitting == len(nearest) else nearest.slice(0, fitting))
            start += fitting
        self._waiting = self._waiting.slice(start)

    def _count_fitting(self, nearest: Serialized) -> int:
        """Return how many of these customers fit into a body, with a comma between each two."""
        room = self._room + 1
        if sum(map(len, nearest.parts)) + len(nearest) <= room:
            return len(nearest)
        return bisect_right(list(accumulate(len(part) + 1 for part in nearest.parts)), room)

    def _write_batch(self, chunk: Serialized) -> None:
        ref = self._bodies.write(envelope(self._run.user_id, chunk.parts))
        self._seq += 1
        run = self._run
        self._batches.append(
            {
                "run_seq": run.seq,
                "seq": self._seq,
                "client_id": run.client_id,
                "data_seq": 0 if self._attempt.is_dry else run.data_seq,
                "state": State.PLANNED,
                "customers": len(chunk),
                "first_ordinal": self._ordinal,
                "last_ordinal": self._ordinal + len(chunk) - 1,
                "body_file": ref.file,
                "body_offset": ref.offset,
                "body_length": ref.length,
                "body_sha256": ref.sha256,
            }
        )
        self.figures.batches += 1
        self.figures.body_bytes += ref.length
        ordinals = range(self._ordinal, self._ordinal + len(chunk))
        keys = _stored_keys(chunk.numbers)
        self._lines.append(_Lines(self._seq, ordinals, chunk.numbers, keys, chunk.masks, chunk.fingerprints))
        self._uncommitted += len(chunk)
        self._ordinal += len(chunk)

    def _commit(self) -> None:
        if not (self._batches or self._rejects):
            return
        with self._outbox.ledger.write() as tx:
            self._attempt.assert_current(tx)
            if self._batches:
                tx.execute(batches.insert(), self._batches)
            for columns, is_keyed in ((_LINE, False), (_KEYED_LINE, True)):
                rows = (lines.rows(self._run) for lines in self._lines if (lines.keys is not None) is is_keyed)
                insert_in_bulk(tx, customers, columns, chain.from_iterable(rows))
            insert_in_bulk(tx, rejects, _REJECT, self._rejects)
        self._batches.clear()
        self._lines.clear()
        self._uncommitted = 0
        self._rejects.clear()


def _shown_to(see: Callable[[str], None], numbers: Iterable[str]) -> Iterator[str]:
    for number in numbers:
        see(number)
        yield number


def record_rejects(ledger: Ledger, attempt: PlanAttempt, rejected: Iterable[RejectedCells]) -> None:
    """Record rejected rows of a run whose source is refused as a whole, so that its author sees which they are.

    Raises:
        LeaseLost: Another process has taken over; nothing is written.
    """
    with ledger.write() as tx:
        attempt.assert_current(tx)
        insert_in_bulk(tx, rejects, _REJECT, list(_reject_rows(attempt.run, rejected)))


def _reject_rows(run: Run, rejected: Iterable[RejectedCells]) -> Iterator[tuple[Any, ...]]:
    for row, cell, field, code in rejected:
        number = _storable(cell)
        [key] = (_stored_keys([number]) if number else None) or [None]
        yield run.seq, row, run.client_id, number, key, field, code


def _storable(text: str | None) -> str | None:
    """Return a cell of a rejected row without the character 0, which PostgreSQL cannot store."""
    return text and text.replace("\0", "")


def _stored_keys(numbers: Sequence[str]) -> list[str | None] | None:
    """Return the keys as the ledger stores them: none where a number is its own key; None if all are."""
    keys = customer_keys(numbers)
    if keys is numbers:
        return None
    return [None if key == number else key for number, key in zip(numbers, keys, strict=True)]

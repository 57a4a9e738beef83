"""One client's nights, for `make bench-history`: the same customers each night, planned, sent and closed without HTTP.

Nights that are measured go through the outbox's own functions: plan, gate, accept, close. Nights that only have to pass
are written in bulk as they would have ended, and what matters of them is worked out by `rebuild_current_lines`, which
tests hold equal to what is kept.
"""

import gc
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, Table, func, select, text, update

from armrest.intake.parallel import pause_gc
from armrest.model import serialize
from armrest.outbox import (
    SENDABLE,
    Batch,
    Comparison,
    Lease,
    Outbox,
    PlanWriter,
    Run,
    RunState,
    State,
    accept,
    archive,
    batches_in,
    begin,
    begin_plan,
    close_batch,
    create_run,
    find_run,
    rebuild_current_lines,
    update_run,
)
from armrest.outbox.bodies import PURGED
from armrest.outbox.ledger import archived, attempts, batches, current_lines, customers, insert_in_bulk, runs
from tests.plans import leased, update_of

API_URL: Final = "http://127.0.0.1:1/arm/v1"
CLIENT_NO: Final = 2218
CUSTOMERS: Final = 20_000
BATCH_SIZE: Final = 500
DAY: Final = 86_400.0
PLANS: Final = 3
"""Plans of each kind that are measured in a night."""
WEEK: Final = 7
ARCHIVED_AFTER: Final = 30 * DAY
"""The age from which the deployment `purge/weekly` archives a run."""
REQUESTS: Final = ("PUT", "GET", "GET")
"""Of each batch, with what the ledger notes about each; `make bench-scale` counts 3.2."""

_LINE: Final = ("run_seq", "ordinal", "client_id", "batch_seq", "customer_no", "fields", "fingerprint")

Customers = Sequence[dict[str, Any]]
Medians = dict[str, tuple[float, float]]
"""CPU and time of each kind of work, in milliseconds."""


@dataclass(slots=True)
class Clock:
    """Seconds since 1970, moved by a day each night."""

    seconds: float = 1_700_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


class Costs:
    """What each kind of work took: CPU and time, in milliseconds.

    Args:
        with_collector: Plans are measured with garbage collection; those during which all objects were searched for
            garbage are a kind of their own.
    """

    def __init__(self, *, with_collector: bool = False) -> None:
        self._with_collector = with_collector
        self._taken: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        """Measure a block."""
        cpu, clock = time.process_time(), time.perf_counter()
        yield
        self._taken[what].append(((time.process_time() - cpu) * 1000, (time.perf_counter() - clock) * 1000))

    @contextmanager
    def plan_measured(self, what: str) -> Iterator[None]:
        """Measure the planning of a run, which pauses garbage collection."""
        with nullcontext() if self._with_collector else pause_gc():
            before = _full_collections()
            with self.measured(what):
                yield
            has_collected = _full_collections() > before
        if has_collected:
            self._taken[f"{what}, collecting"].append(self._taken[what].pop())

    def medians(self) -> Medians:
        """Return the medians of each kind of work: CPU, time."""
        return {
            what: (median(cpu for cpu, _ in taken), median(clock for _, clock in taken))
            for what, taken in self._taken.items()
            if taken
        }


class Nights:
    """One client's nights.

    Args:
        customers: How many the client has; at least two batches of them.
        weekly: Archive every seventh night, as the deployment `purge/weekly` does.
    """

    def __init__(
        self, outbox: Outbox, clock: Clock, folder: Path, *, customers: int = CUSTOMERS, weekly: bool = False
    ) -> None:
        self.nights = 0
        self._weekly = weekly
        self._folder = folder
        self._outbox = outbox
        self._clock = clock
        self._customers = customers
        self._everybody = [_customer(number) for number in range(customers)]
        self._changed = [_customer(n, "changed") if n % 100 == 0 else _customer(n) for n in range(customers)]
        self._shuffled = Random(1).sample(self._changed, len(self._changed))
        self._runs = 0
        sealed = serialize(self._everybody, outbox.ledger.fingerprint_key)
        self._settled = list(zip(sealed.numbers, sealed.masks, sealed.fingerprints, strict=True))

    def pass_by(self) -> None:
        """Send everybody."""
        self._begin()
        run = self._planned(self._everybody)
        with leased(self._outbox, run) as lease:
            for batch in batches_in(self._outbox.ledger, run, SENDABLE):
                self._close(self._sent(run, batch, lease))
            self._end(run, lease)

    def pass_in_bulk(self, nights: int) -> None:
        """Write nights as they end, every customer settled."""
        for number in range(nights):
            self.nights += 1
            self._clock.seconds += DAY
            self._write_night()
            archives = self._weekly and self.nights % WEEK == 0
            if archives or number == nights - 1:
                rebuild_current_lines(self._outbox.ledger)
            if archives:
                self._archive()

    def night(self, costs: Costs) -> Iterator[None]:
        """Measure what a night costs, and let it pass by; yields after each step that was measured."""
        self._begin()
        for _ in range(PLANS):
            for what, chosen in (("plan, sorted", self._changed), ("plan, shuffled", self._shuffled)):
                with costs.plan_measured(what):
                    self._planned(chosen, changes_only=True)
                yield
        elsewhere = self._planned([_customer(self._customers + 1)])
        run = self._planned(self._everybody)
        planned = batches_in(self._outbox.ledger, run, SENDABLE)
        half = len(planned) // 2
        with leased(self._outbox, run) as lease:
            yield from self._sent_and_closed(run, planned[:half], lease, costs, "gate, nothing in the way")
        with leased(self._outbox, elsewhere) as lease:
            [batch] = batches_in(self._outbox.ledger, elsewhere, SENDABLE)
            in_the_way = self._sent(elsewhere, batch, lease)
        with leased(self._outbox, run) as lease:
            yield from self._sent_and_closed(run, planned[half:], lease, costs, "gate, one batch open")
            self._close(in_the_way)
            self._end(elsewhere, lease)
            self._end(run, lease)

    def size(self) -> str:
        """Describe the ledger."""
        old = select(func.coalesce(func.sum(archived.c.rows), 0)).where(archived.c.kind == "lines")
        with self._outbox.ledger.read() as tx:
            lines, current = (self._rows(tx, it) for it in (customers, current_lines))
            pages, free, page = (
                tx.execute(text(f"PRAGMA {it}")).scalar_one() for it in ("page_count", "freelist_count", "page_size")
            )
            tables = "; ".join(f"{name} {self._megabytes(tx, it):,.1f}" for name, it in _TABLES.items())
            return (
                f"{lines:,} lines, {current:,} that count, {tx.execute(old).scalar_one():,} in the archive; "
                f"{pages * page / 1e6:,.1f} MB, of which free {free * page / 1e6:,.1f}; {tables}"
            )

    def _rows(self, tx: Connection, table: Table) -> int:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())

    def _megabytes(self, tx: Connection, table: Table) -> float:
        """Return the size of a table and its indexes; needs an SQLite with `dbstat`, as Debian's."""
        of_table = text("SELECT name FROM sqlite_master WHERE tbl_name = :table")
        size = text("SELECT pgsize FROM dbstat WHERE name = :name AND aggregate = TRUE")
        names = tx.execute(of_table, {"table": table.name}).scalars().all()
        return sum(tx.execute(size, {"name": name}).scalar() or 0 for name in names) / 1e6

    def _write_night(self) -> None:
        run = self._planned([])
        at = self._clock()
        numbers = range(1, self._customers // BATCH_SIZE + 1)
        ended = [_settled_batch(run, seq, at) for seq in numbers]
        lines = [(run.seq, n, run.client_id, n // BATCH_SIZE + 1, *one) for n, one in enumerate(self._settled)]
        requests = [_attempt(run, seq, at, what) for seq in numbers for what in REQUESTS]
        with self._outbox.ledger.write() as tx:
            tx.execute(batches.insert(), ended)
            tx.execute(attempts.insert(), requests)
            insert_in_bulk(tx, customers, _LINE, lines)
            tx.execute(update(runs).where(runs.c.seq == run.seq).values(state=RunState.COMPLETED, ended_at=at))

    def _begin(self) -> None:
        self.nights += 1
        self._clock.seconds += DAY
        if self._weekly and self.nights % WEEK == 0:
            self._archive()

    def _archive(self) -> None:
        archive(self._outbox.ledger, older_than_seconds=ARCHIVED_AFTER)

    def _end(self, run: Run, lease: Lease) -> None:
        update_run(self._outbox.ledger, run, lease, state=RunState.COMPLETED, ended_at=self._clock())

    def _planned(self, chosen: Customers, *, changes_only: bool = False) -> Run:
        """Plan customers; with `changes_only`, as a dry run, which counts for nothing afterwards."""
        self._runs += 1
        run = create_run(
            self._outbox.ledger,
            run_id=f"run-{self._runs}",
            api_url=API_URL,
            client_no=CLIENT_NO,
            mode="update",
            user_id="bench",
            source="customers.csv",
            request=update_of(batch_size=BATCH_SIZE, changes_only=changes_only, dry_run=changes_only),
        )
        if changes_only:
            with Comparison(self._outbox.ledger, run) as comparison:
                self._write(run, None, chosen, comparison)
        else:
            with leased(self._outbox, run) as lease:
                self._write(run, lease, chosen, None)
        return find_run(self._outbox.ledger, run.run_id)

    def _write(self, run: Run, lease: Lease | None, chosen: Customers, comparison: Comparison | None) -> None:
        attempt = begin_plan(self._outbox.ledger, run, lease)
        with PlanWriter(
            self._outbox,
            attempt,
            batch_size=BATCH_SIZE,
            max_body_bytes=5_000_000,
            comparison=comparison,
            changes_only=comparison is not None,
        ) as writer:
            for start in range(0, len(chosen), 5000):
                writer.add(chosen[start : start + 5000])
            writer.count_at_the_end()
            writer.complete()

    def _sent_and_closed(
        self, run: Run, planned: Sequence[Batch], lease: Lease, costs: Costs, gate: str
    ) -> Iterator[None]:
        sent = []
        for batch in planned:
            sent.append(self._sent(run, batch, lease, costs, gate))
            yield
        for batch in sent:
            self._close(batch, costs)
            yield

    def _sent(self, run: Run, batch: Batch, lease: Lease, costs: Costs | None = None, what: str = "") -> Batch:
        with (costs or Costs()).measured(what):
            leaving = begin(self._outbox, run, batch, lease, ghost_horizon_seconds=3600)
        assert leaving is not None
        uuid = f"{run.run_id}-{batch.seq}"
        accept(self._outbox.ledger, leaving.batch, batch_uuid=uuid, get_result=None, status="", result="")
        return leaving.batch

    def _close(self, batch: Batch, costs: Costs | None = None) -> None:
        with (costs or Costs()).measured("close a batch"):
            close_batch(self._outbox.ledger, batch, {}, status="PROCESSED", result="SUCCESS", message="")


def _full_collections() -> int:
    return int(gc.get_stats()[-1]["collections"])


_TABLES: Final = {
    "lines": customers,
    "those that count": current_lines,
    "batches": batches,
    "attempts": attempts,
    "archive": archived,
}


def _settled_batch(run: Run, seq: int, at: float) -> dict[str, Any]:
    return {
        "run_seq": run.seq,
        "seq": seq,
        "client_id": run.client_id,
        "data_seq": run.data_seq,
        "state": State.SETTLED,
        "customers": BATCH_SIZE,
        "first_ordinal": (seq - 1) * BATCH_SIZE,
        "last_ordinal": seq * BATCH_SIZE - 1,
        "body_file": PURGED,
        "body_offset": 0,
        "body_length": 0,
        "body_sha256": bytes(32),
        "batch_uuid": f"00000000-0000-0000-{run.seq:04}-{seq:012}",
        "attempts": 1,
        **dict.fromkeys(("sent_at", "last_sent_at", "accepted_at", "settled_at"), at),
    }


def _attempt(run: Run, seq: int, at: float, what: str) -> dict[str, Any]:
    answered = {
        "http_status": 202 if what == "PUT" else 200,
        "duration_ms": 20,
        "request_id": f"{run.seq:016}{seq:016}",
    }
    return {"run_seq": run.seq, "batch_seq": seq, "at": at, "what": what, "outcome": "accepted", **answered}


def _customer(number: int, name: str = "Kari Nordmann") -> dict[str, Any]:
    return {"customerNo": str(100_000 + number), "name": name, "emailAddress": f"k{number}@example.no", "phoneNo": "1"}

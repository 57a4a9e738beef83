"""`make bench-history`: that a night costs the same after 300 nights as after one (five minutes; NIGHTS=30: two).

Every night sends the same customers, all of them. The nights that are measured, and those before the first, go through
the outbox's own functions: plan, gate, accept, close; only HTTP is left out. The nights between are written in bulk as
they would have ended, and what matters of them is worked out by `rebuild_current_lines`, which tests hold equal to what
is kept. After 1, 30 and 300 nights it measures, in milliseconds of CPU:

- planning the file with `changes_only`, 1% of it changed: in the order of the customer numbers, and shuffled
- a batch through the gate, with nothing in the way, and with a batch of other customers open elsewhere
- closing a batch

Each is measured in turns with a ledger that has one night behind it. Fails if a median is more than 1.2 times as high
as there, and by more than 2.5 ms. CPU is compared, since a busy machine delays what waits for the disk; the time
on the clock is printed beside it, in brackets.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import func, select

from armrest.model import mask_of
from armrest.outbox import (
    SENDABLE,
    Batch,
    Comparison,
    Lease,
    Outbox,
    PlanWriter,
    Run,
    State,
    accept,
    batches_in,
    begin,
    begin_plan,
    close_batch,
    create_run,
    find_run,
    rebuild_current_lines,
)
from armrest.outbox.bodies import PURGED
from armrest.outbox.ledger import batches, current_lines, customers, insert_in_bulk
from benchmarks.table import machine
from tests.plans import leased, update_of

API_URL: Final = "http://127.0.0.1:1/arm/v1"
CLIENT_NO: Final = 2218
CUSTOMERS: Final = 20_000
BATCH_SIZE: Final = 500
MEASURED_AFTER: Final = (1, 30)
DAY: Final = 86_400.0
AT_MOST: Final = 1.2
NOISE: Final = 2.5
"""Milliseconds by which anything may differ. On a busy machine, two ledgers of one night differed by 1.7."""
NIGHTS_MEASURED: Final = 4
"""In a row, each time."""
PLANS: Final = 3
"""Plans of each kind that are measured in a night."""

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
    """What each kind of work took: CPU and time, in milliseconds."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        """Measure a block."""
        cpu, clock = time.process_time(), time.perf_counter()
        yield
        self._taken[what].append(((time.process_time() - cpu) * 1000, (time.perf_counter() - clock) * 1000))

    def medians(self) -> Medians:
        """Return the medians of each kind of work: CPU, time."""
        return {
            what: (median(cpu for cpu, _ in taken), median(clock for _, clock in taken))
            for what, taken in self._taken.items()
        }


class Nights:
    """One client's nights."""

    def __init__(self, outbox: Outbox, clock: Clock, folder: Path) -> None:
        self.nights = 0
        self._folder = folder
        self._outbox = outbox
        self._clock = clock
        self._everybody = [_customer(number) for number in range(CUSTOMERS)]
        self._changed = [_customer(n, "changed") if n % 100 == 0 else _customer(n) for n in range(CUSTOMERS)]
        self._shuffled = Random(1).sample(self._changed, len(self._changed))
        self._runs = 0
        self._mask = mask_of(self._everybody[0])
        self._print = bytes(16)

    def pass_by(self) -> None:
        """Send everybody."""
        self._begin()
        run = self._planned(self._everybody)
        with leased(self._outbox, run) as lease:
            for batch in batches_in(self._outbox.ledger, run, SENDABLE):
                self._close(self._sent(run, batch, lease))

    def pass_in_bulk(self, nights: int) -> None:
        """Write nights as they end, every customer settled."""
        for _ in range(nights):
            self._begin()
            run = self._planned([])
            at = self._clock()
            ended = [_settled_batch(run, seq, at) for seq in range(1, len(self._everybody) // BATCH_SIZE + 1)]
            lines = [
                (run.seq, n, run.client_id, n // BATCH_SIZE + 1, one["customerNo"], self._mask, self._print)
                for n, one in enumerate(self._everybody)
            ]
            with self._outbox.ledger.write() as tx:
                tx.execute(batches.insert(), ended)
                insert_in_bulk(tx, customers, _LINE, lines)
        if nights > 0:
            rebuild_current_lines(self._outbox.ledger)

    def measure(self, costs: Costs) -> None:
        """Measure what a night costs, and let it pass by."""
        self._begin()
        for _ in range(PLANS):
            for what, chosen in (("plan, sorted", self._changed), ("plan, shuffled", self._shuffled)):
                with costs.measured(what):
                    self._planned(chosen, changes_only=True)
        elsewhere = self._planned([_customer(CUSTOMERS + 1)])
        run = self._planned(self._everybody)
        planned = batches_in(self._outbox.ledger, run, SENDABLE)
        half = len(planned) // 2
        with leased(self._outbox, run) as lease:
            sent = [self._sent(run, batch, lease, costs, "gate, nothing in the way") for batch in planned[:half]]
            for batch in sent:
                self._close(batch, costs)
        with leased(self._outbox, elsewhere) as lease:
            [batch] = batches_in(self._outbox.ledger, elsewhere, SENDABLE)
            in_the_way = self._sent(elsewhere, batch, lease)
        with leased(self._outbox, run) as lease:
            sent = [self._sent(run, batch, lease, costs, "gate, one batch open") for batch in planned[half:]]
        for batch in [*sent, in_the_way]:
            self._close(batch)

    def _begin(self) -> None:
        self.nights += 1
        self._clock.seconds += DAY

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
        sizes = {"batch_size": BATCH_SIZE, "max_body_bytes": 5_000_000}
        attempt = begin_plan(self._outbox.ledger, run, lease)
        with PlanWriter(
            self._outbox, attempt, **sizes, comparison=comparison, changes_only=comparison is not None
        ) as writer:
            for start in range(0, len(chosen), 5000):
                writer.add(chosen[start : start + 5000])
            writer.count_at_the_end()
            writer.complete()

    def _sent(self, run: Run, batch: Batch, lease: Lease, costs: Costs | None = None, what: str = "") -> Batch:
        def pass_gate() -> Any:
            return begin(self._outbox, run, batch, lease, ghost_horizon_seconds=3600)

        if costs is None:
            leaving = pass_gate()
        else:
            with costs.measured(what):
                leaving = pass_gate()
        assert leaving is not None
        uuid = f"{run.run_id}-{batch.seq}"
        accept(self._outbox.ledger, leaving.batch, batch_uuid=uuid, get_result=None, status="", result="")
        return leaving.batch

    def _close(self, batch: Batch, costs: Costs | None = None) -> None:
        def close() -> None:
            close_batch(self._outbox.ledger, batch, {}, status="PROCESSED", result="SUCCESS", message="")

        if costs is None:
            close()
            return
        with costs.measured("close a batch"):
            close()

    def size(self) -> str:
        """Describe the ledger."""
        with self._outbox.ledger.read() as tx:
            lines, current = (tx.execute(select(func.count()).select_from(it)) for it in (customers, current_lines))
            megabytes = (self._folder / "ledger.db").stat().st_size / 1e6
            return f"{lines.scalar_one():,} lines, {current.scalar_one():,} current ones, {megabytes:,.0f} MB"


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
        "batch_uuid": f"{run.run_id}-{seq}",
        "attempts": 1,
        **dict.fromkeys(("sent_at", "last_sent_at", "accepted_at", "settled_at"), at),
    }


def _customer(number: int, name: str = "Kari Nordmann") -> dict[str, Any]:
    return {"customerNo": str(100_000 + number), "name": name, "emailAddress": f"k{number}@example.no", "phoneNo": "1"}


def main() -> int:
    """Measure, print and compare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nights", type=int, default=300)
    nights = options.parse_args().nights
    print(machine(), flush=True)
    too_dear = False
    with _history() as old:
        for moment in sorted({min(moment, nights) for moment in (*MEASURED_AFTER, nights)}):
            old.pass_in_bulk(moment - old.nights)
            with _history() as young:
                too_dear |= _compared(moment, *_measured_in_turns(young, old))
            print(f"The ledger has {old.size()}.", flush=True)
    return 1 if too_dear else 0


@contextmanager
def _history() -> Iterator[Nights]:
    """A ledger of its own, after one night."""
    with TemporaryDirectory() as folder:
        clock = Clock()
        with Outbox.open(f"sqlite:///{folder}/ledger.db", f"{folder}/bodies", now=clock) as outbox:
            history = Nights(outbox, clock, Path(folder))
            history.pass_by()
            yield history


def _measured_in_turns(young: Nights, old: Nights) -> tuple[Medians, Medians]:
    costs = Costs(), Costs()
    for number in range(NIGHTS_MEASURED):
        turns = [(young, costs[0]), (old, costs[1])]
        for history, taken in turns if number % 2 == 0 else reversed(turns):
            history.measure(taken)
    return costs[0].medians(), costs[1].medians()


def _compared(moment: int, young: Medians, old: Medians) -> bool:
    """Print what was measured; return whether anything has become too dear."""
    heading = f"after {moment} nights, ms of CPU"
    print(f"\n{heading:34}{'first night':>22}{'now':>22}")
    for what, (cpu, clock) in young.items():
        first, now = f"{cpu:.1f} ({clock:.1f})", f"{old[what][0]:.1f} ({old[what][1]:.1f})"
        print(f"{what:34}{first:>22}{now:>22}  x{old[what][0] / cpu:.2f}")
    too_dear = [what for what, (cpu, _) in young.items() if old[what][0] > max(AT_MOST * cpu, cpu + NOISE)]
    if too_dear:
        print(f"More than {AT_MOST} times as dear: {', '.join(too_dear)}")
    return bool(too_dear)


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-history`: that a night costs the same after 300 nights as after one (ten minutes; NIGHTS=30: two).

Every night sends the same customers, all of them: see `benchmarks/nights.py`. After 1, 30 and 300 nights it measures,
in milliseconds of CPU:

- planning the file with `changes_only`, 1% of it changed: in the order of the customer numbers, and shuffled
- a batch through the gate, with nothing in the way, and with a batch of other customers open elsewhere
- closing a batch

Three ledgers take turns, step by step: one with a single night behind it, one that was never archived, and one that was
archived every week, as the deployment `purge/weekly` does it. Fails if the median of an old one is more than 1.2 times
that of the young one. CPU is compared, since a busy machine delays what waits for the disk; the time on the clock is
printed in brackets. At the end, it says how large the ledgers are.

Planning is measured without garbage collection, as a run plans (docs/decisions/0174). With it, the plans during which
all objects were searched for garbage are a row of their own:

    python -m benchmarks.history --nights 100 --with-collector
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from armrest.outbox import Outbox
from benchmarks.nights import CUSTOMERS, Clock, Costs, Medians, Nights
from benchmarks.table import machine

MEASURED_AFTER: Final = (1, 30)
AT_MOST: Final = 1.2
NIGHTS_MEASURED: Final = 6
"""In a row, each time."""
YOUNG: Final = "first night"
OLD: Final = "never archived"
WEEKLY: Final = "archived weekly"


def main() -> int:
    """Measure, print and compare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nights", type=int, default=300)
    options.add_argument("--customers", type=int, default=CUSTOMERS)
    options.add_argument("--with-collector", action="store_true", help="measure planning with garbage collection")
    given = options.parse_args()
    nights, customers = given.nights, given.customers
    print(machine(), flush=True)
    too_dear = False
    with _history(customers) as old, _history(customers, weekly=True) as weekly:
        for moment in sorted({min(moment, nights) for moment in (*MEASURED_AFTER, nights)}):
            for history in (old, weekly):
                history.pass_in_bulk(moment - history.nights)
            sizes = {OLD: old.size(), WEEKLY: weekly.size()}
            with _history(customers) as young:
                histories = {YOUNG: young, OLD: old, WEEKLY: weekly}
                too_dear |= _compared(moment, _measured_in_turns(histories, with_collector=given.with_collector))
            for name, size in sizes.items():
                print(f"The ledger that is {name} had {size}.", flush=True)
    return 1 if too_dear else 0


@contextmanager
def _history(customers: int, *, weekly: bool = False) -> Iterator[Nights]:
    """A ledger of its own, after one night."""
    with TemporaryDirectory() as folder:
        clock = Clock()
        with Outbox.open(f"sqlite:///{folder}/ledger.db", f"{folder}/bodies", now=clock) as outbox:
            history = Nights(outbox, clock, Path(folder), customers=customers, weekly=weekly)
            history.pass_by()
            yield history


def _measured_in_turns(histories: Mapping[str, Nights], *, with_collector: bool) -> dict[str, Medians]:
    costs = {name: Costs(with_collector=with_collector) for name in histories}
    names = list(histories)
    for _ in range(NIGHTS_MEASURED):
        for _ in zip(*(histories[name].night(costs[name]) for name in names), strict=True):
            pass  # each ledger has taken the same step
        names = [*names[1:], names[0]]
    return {name: taken.medians() for name, taken in costs.items()}


def _compared(moment: int, medians: Mapping[str, Medians]) -> bool:
    """Print what was measured; return whether anything has become too dear."""
    print(f"\n{f'after {moment} nights, ms of CPU':30}" + "".join(f"{name:>26}" for name in medians))
    too_dear = []
    for what, (first, _) in medians[YOUNG].items():
        row = f"{what:30}"
        for name, taken in medians.items():
            if what not in taken:
                row += f"{'none':>26}"
                continue
            cpu, clock = taken[what]
            row += f"{f'{cpu:.1f} ({clock:.1f})  x{cpu / first:.2f}':>26}"
            if cpu > AT_MOST * first:
                too_dear.append(f"{what}, {name}")
        print(row)
    if too_dear:
        print(f"More than {AT_MOST} times as dear: {'; '.join(too_dear)}")
    return bool(too_dear)


if __name__ == "__main__":
    sys.exit(main())

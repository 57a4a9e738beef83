# ruff: noqa: T201 - it prints its table
"""`make soak`: many seeds of the simulation on both databases, and a hard day of 100,000 customers over real HTTP.

Exits 1 where a seed has found something, or a customer is lost, out of order or unexplained. `0` leaves a part out.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from armrest.sandbox import SandboxServer
from tests.soak.simulated import simulated
from tests.soak.table import rows, table
from tests.soak.trial import Size, tried
from tests.soak.verdict import judged

CLIENTS: Final = 4


def main() -> int:
    """Soak; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20_000, help="seeds of the simulation (default: 20,000)")
    words = "seeds of the simulation with the ledger on PostgreSQL (default: 2,000)"
    parser.add_argument("--postgres-seeds", type=int, default=2_000, help=words)
    parser.add_argument("--customers", type=int, default=100_000, help="customers over real HTTP (default: 100,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the faults and deaths (default: 1)")
    given = parser.parse_args()
    wronged = simulated(given.seeds, postgres=False) if given.seeds else 0
    wronged += simulated(given.postgres_seeds, postgres=True) if given.postgres_seeds else 0
    wronged += soaked(given.customers, given.seed) if given.customers else 0
    return int(wronged > 0)


def soaked(customers: int, seed: int) -> int:
    """Have a hard day with so many customers; return how many are wronged."""
    size = Size(
        clients=CLIENTS,
        customers=customers // CLIENTS,
        batch_size=100,
        deaths=10,
        most_passed=200,
        patience_seconds=60.0,
    )
    print(f"Sending {customers:,} customers of {CLIENTS} clients, half of them twice, through everything …", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home, SandboxServer(seed=seed) as arm:
        trial = tried(size, Path(home), arm, seed=seed)
        verdict = judged(trial)
        print(f"Done in {time.monotonic() - began:,.0f} s.\n\n{table(rows(trial, verdict))}")
    if verdict.wronged:
        print(f"\n{verdict.examples()}")
    return len(verdict.wronged)


if __name__ == "__main__":
    sys.exit(main())

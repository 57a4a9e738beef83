# ruff: noqa: T201 - it prints its table
"""`make soak`: many seeds of the simulation, and a hard day of 100,000 customers over real HTTP.

Exits 1 where a seed has found something, or a customer is lost, out of order or unexplained.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Final

from armrest.sandbox import SandboxServer
from tests.simulation import seeds as simulation
from tests.soak.table import rows, table
from tests.soak.trial import Size, tried
from tests.soak.verdict import judged

CLIENTS: Final = 4
AT_ONCE: Final = 100
"""Seeds that a process simulates before it tells."""


def main() -> int:
    """Soak; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20_000, help="seeds of the simulation (default: 20,000)")
    parser.add_argument("--customers", type=int, default=100_000, help="customers over real HTTP (default: 100,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the faults and deaths (default: 1)")
    given = parser.parse_args()
    return int(simulated(given.seeds) + soaked(given.customers, given.seed) > 0)


def simulated(seeds: int) -> int:
    """Simulate seeds; return how many have found something."""
    print(f"Simulating {seeds:,} seeds …", flush=True)
    began = time.monotonic()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        found = dict(chain.from_iterable(processes.map(_found_from, range(0, seeds, AT_ONCE))))
    for seed, what in found.items():
        print(f"seed {seed}: {what}")
    print(f"{seeds:,} seeds in {time.monotonic() - began:,.0f} s: {len(found)} found something\n", flush=True)
    return len(found)


def _found_from(start: int) -> list[tuple[int, str]]:
    return list(simulation.tried(range(start, start + AT_ONCE)).found.items())


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

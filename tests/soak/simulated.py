# ruff: noqa: T201 - it prints how the seeds went
"""The part of `make soak` that simulates seeds, in processes: they import this module, and could not import `__main__`.

A seed that finds something is printed at once.
"""

import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final

from tests.simulation.disk import DiskFactory
from tests.simulation.postgres_disk import NoPostgres, disk_factory
from tests.simulation.seeds import tried

AT_ONCE: Final = 50
"""Seeds that a process simulates before it tells."""


def simulated(seeds: int, *, postgres: bool) -> int:
    """Simulate seeds; return how many have found something: 0 if PostgreSQL is asked for and not installed."""
    database = "PostgreSQL" if postgres else "SQLite"
    print(f"Simulating {seeds:,} seeds on {database} …", flush=True)
    began, cpu = time.monotonic(), _cpu_seconds()
    try:
        found = sum(1 for _ in _report_findings(seeds, postgres=postgres))
    except NoPostgres as error:
        print(f"NOT RUN: {seeds:,} seeds on PostgreSQL ({error})\n", flush=True)
        return 0
    took = f"{time.monotonic() - began:,.0f} s ({_cpu_seconds() - cpu:,.0f} s of CPU)"
    print(f"{seeds:,} seeds on {database} in {took}: {found} found something\n", flush=True)
    return found


def _report_findings(seeds: int, *, postgres: bool) -> Iterator[int]:
    """Print what seeds have found, and yield those seeds."""
    handfuls = [range(start, min(start + AT_ONCE, seeds)) for start in range(0, seeds, AT_ONCE)]
    spawn = multiprocessing.get_context("spawn")
    workers = min(len(handfuls), os.cpu_count() or 1)
    with disk_factory(postgres=postgres) as new_disk, ProcessPoolExecutor(workers, mp_context=spawn) as processes:
        for found in processes.map(partial(_findings, new_disk), handfuls):
            for seed, what in found.items():
                print(f"seed {seed}: {what}", flush=True)
                yield seed


def _findings(new_disk: DiskFactory, seeds: range) -> dict[int, str]:
    return tried(seeds, new_disk).found


def _cpu_seconds() -> float:
    """The CPU time of the processes that have ended, the server's among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

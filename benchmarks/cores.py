"""How much faster more processes plan: `python -m benchmarks.cores [--customers 1000000]`, on a machine that is idle.

Wall and CPU as medians of rounds in which every number of processes has its turn; memory is the largest process's.
"""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from armrest.sandbox import write_sample
from benchmarks.contestants import environment, program
from benchmarks.cost import Cost, measured
from benchmarks.material import CLIENT_NO, SEED
from benchmarks.table import machine


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--customers", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    numbers = range(1, min(4, os.cpu_count() or 1) + 1)
    costs: dict[int, list[Cost]] = {number: [] for number in numbers}
    with TemporaryDirectory() as folder:
        source = Path(folder) / "customers.csv"
        write_sample(source, customers=given.customers, seed=SEED)
        for turn in range(given.rounds):
            for number in numbers:
                env = environment(Path(folder) / f"home-{turn}-{number}", "http://127.0.0.1/arm/v1")
                env["ARMREST_PLANNING_PROCESSES"] = str(number)
                costs[number].append(measured(program("plan_file", str(source), CLIENT_NO), env)[0])
    print(f"{given.customers:,} customers, medians of {given.rounds}, {machine()}, load {os.getloadavg()[0]:.1f}\n")
    print("| processes | wall s | times as fast | CPU s | largest process MB |\n|---:|---:|---:|---:|---:|")
    alone = Cost.median(costs[1]).wall_seconds
    for number, found in costs.items():
        cost = Cost.median(found)
        faster = f"{alone / cost.wall_seconds:.2f}"
        print(f"| {number} | {cost.wall_seconds:.1f} | {faster} | {cost.cpu_seconds:.1f} | {cost.peak_mb:.0f} |")


if __name__ == "__main__":
    main()

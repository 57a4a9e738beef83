"""`make bench-cores`: how much faster several processes plan, on an idle machine.

    python -m benchmarks.cores [--customers 1000000] [--rounds 3] [--parts 8 [--parquet]]

Wall and CPU as medians of rounds in which every number of processes has its turn; memory is the largest process's.
With `--parts` the source is a folder of that number of files.
"""

import argparse
import os
from itertools import islice
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
    options.add_argument("--parts", type=int, default=1)
    options.add_argument("--parquet", action="store_true")
    given = options.parse_args()
    numbers = range(1, min(4, os.cpu_count() or 1) + 1)
    costs: dict[int, list[Cost]] = {number: [] for number in numbers}
    with TemporaryDirectory() as folder:
        source = written(Path(folder), given.customers, given.parts, parquet=given.parquet)
        for turn in range(given.rounds):
            for number in numbers:
                env = environment(Path(folder) / f"home-{turn}-{number}", "http://127.0.0.1/arm/v1")
                env["ARMREST_PLANNING_PROCESSES"] = str(number)
                costs[number].append(measured(program("plan_file", str(source), CLIENT_NO), env)[0])
    kind = f"{given.parts} parts of {'Parquet' if given.parquet else 'CSV'}" if given.parts > 1 else "one CSV"
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{given.customers:,} customers in {kind}, medians of {given.rounds}, {machine()}, {load}\n")
    print("| processes | wall s | times as fast | CPU s | largest process MB |\n|---:|---:|---:|---:|---:|")
    alone = Cost.median(costs[1]).wall_seconds
    for number, found in costs.items():
        cost = Cost.median(found)
        faster = f"{alone / cost.wall_seconds:.2f}"
        print(f"| {number} | {cost.wall_seconds:.1f} | {faster} | {cost.cpu_seconds:.1f} | {cost.peak_mb:.0f} |")


def written(folder: Path, customers: int, parts: int, *, parquet: bool) -> Path:
    """Write a sample, as one file or as a folder of parts; return its path."""
    whole = folder / "customers.csv"
    write_sample(whole, customers=customers, seed=SEED)
    if parts == 1:
        return whole
    split = folder / "parts"
    split.mkdir()
    with whole.open("rb") as file:
        header = file.readline()
        for part in range(parts):
            path = split / f"part-{part:03}.csv"
            path.write_bytes(header + b"".join(islice(file, -(-customers // parts))))
            if parquet:
                _as_parquet(path)
    whole.unlink()
    return split


def _as_parquet(path: Path) -> None:
    from pyarrow import csv, parquet, string

    with path.open(encoding="utf-8") as file:
        columns = file.readline().strip().split(",")
    texts = csv.ConvertOptions(column_types=dict.fromkeys(columns, string()), strings_can_be_null=False)
    parquet.write_table(csv.read_csv(path, convert_options=texts), path.with_suffix(".parquet"))
    path.unlink()


if __name__ == "__main__":
    main()

"""What a plan costs from a frame, compared with the same customers from a Parquet file.

    python -m benchmarks.frames [--customers 1000000] [--rounds 3]

Each plan runs in a process of its own, which has read its frame before the measurement begins. The rounds take turns,
so what disturbs the machine disturbs all of them. To know which part of it is writing the frame's texts to a file, the
same process then does that once more.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import armrest
from armrest.intake import is_frame, write_frame
from armrest.sandbox import write_sample

CLIENT_NO: Final = 2218
MOST: Final = 1.1
"""The most that a frame may cost, in times of the CPU of Parquet."""


KINDS: Final = ("parquet", "pandas", "polars", "arrow")


class PlanCost(NamedTuple):
    """CPU seconds of a whole plan, and of writing its frame's texts to a file, which is a part of it."""

    whole: float
    texts: float


def source_of(kind: str, file: str) -> Any:
    """Return the customers of a Parquet file as a source of this kind."""
    import pandas as pd
    import polars as pl
    import pyarrow.parquet as pq

    read: dict[str, Callable[[str], Any]] = {
        "parquet": str,
        "pandas": pd.read_parquet,
        "polars": pl.read_parquet,
        "arrow": pq.read_table,
    }
    return read[kind](file)


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=200_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--plan", nargs=2, metavar=("KIND", "FILE"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.plan:
        print(json.dumps(cost_of_plan(*given.plan)))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = sample(Path(folder), given.customers)
        rounds = [{kind: measured(kind, file) for kind in KINDS} for _ in range(given.rounds)]
    print(f"| {given.customers:,} customers, medians of {given.rounds} | CPU s | times Parquet | of it, writing |")
    print("|---|---:|---:|---:|")
    for kind in KINDS:
        seconds = median(one[kind].whole for one in rounds)
        ratio = median(one[kind].whole / one["parquet"].whole for one in rounds)
        texts = median(one[kind].texts for one in rounds)
        print(f"| {kind} | {seconds:.1f} | {ratio:.2f}{' (too much)' if ratio > MOST else ''} | {texts:.2f} |")


def sample(folder: Path, customers: int) -> Path:
    """Write customers to a Parquet file of texts."""
    from pyarrow import csv, string
    from pyarrow import parquet as pq

    table = folder / "customers.csv"
    write_sample(table, customers=customers, wrong=0)
    names = table.open(encoding="utf-8").readline().strip().split(",")
    texts = csv.ConvertOptions(column_types=dict.fromkeys(names, string()), strings_can_be_null=True)
    pq.write_table(csv.read_csv(table, convert_options=texts), table.with_suffix(".parquet"))
    return table.with_suffix(".parquet")


def measured(kind: str, file: Path) -> PlanCost:
    """Plan in a process of its own; return what it cost."""
    words = [sys.executable, "-m", "benchmarks.frames", "--plan", kind, str(file)]
    return PlanCost(*json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout))


def cost_of_plan(kind: str, file: str) -> PlanCost:
    """Return the cost of a plan in this process, without its imports and without reading the frame."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as home:
        connection = armrest.connect(home=home, planning_processes=1)
        connection.plan(pd.DataFrame({"customerNo": ["1"], "name": ["Kari"]}), client_no=1)
        source = source_of(kind, file)
        before = _cpu_seconds()
        connection.plan(source, client_no=CLIENT_NO)
        planned = _cpu_seconds()
        if is_frame(source):
            with Path(home, "texts").open("wb") as texts:
                write_frame(source, texts, name="frame")
        return PlanCost(whole=planned - before, texts=_cpu_seconds() - planned)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()

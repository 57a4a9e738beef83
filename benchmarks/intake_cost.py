"""What a customer costs on the way from a CSV to checked dictionaries, stage by stage, in µs of CPU.

    python -m benchmarks.intake_cost [CUSTOMERS]

The file is the sandbox's sample, 0.5% of its rows wrong in the ways real files are. Each figure is the least of a few
runs: what else goes on at the machine can only add to it.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

from armrest.intake import blocks, open_source
from armrest.intake.blocks import BlockReader
from armrest.intake.csv_table import CsvTable
from armrest.intake.duplicates import Hashes
from armrest.sandbox.sample import write_sample

RUNS = 5
STAGES: dict[str, tuple[object, str]] = {
    "cut into columns": (CsvTable, "_split"),
    "trimmed and rewritten": (BlockReader, "_column"),
    "checked by columns": (BlockReader, "_judge"),
    "made dictionaries": (blocks, "drafts"),
    "validated by pydantic": (blocks, "validated"),
    "looked for duplicates": (Hashes, "add"),
}


def main(customers: int) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        write_sample(path, customers=customers)
        runs = [_run(path) for _ in range(RUNS)]
    least = {stage: min(run[stage] for run in runs) / customers * 1e6 for stage in runs[0]}
    least["else"] = least["whole"] - sum(cost for stage, cost in least.items() if stage in STAGES)
    print(f"{customers:,} customers, least of {RUNS} runs, µs of CPU a customer")
    for stage in (*STAGES, "else", "whole"):
        print(f"  {stage:<24}{least[stage]:6.2f}")


def _run(path: Path) -> dict[str, float]:
    spent = dict.fromkeys(STAGES, 0.0)
    patches = [
        patch.object(place, name, _timed(getattr(place, name), spent, stage)) for stage, (place, name) in STAGES.items()
    ]
    for it in patches:
        it.start()
    began = time.process_time()
    for _ in open_source(str(path)).blocks():
        pass
    whole = time.process_time() - began
    for it in patches:
        it.stop()
    return spent | {"whole": whole}


def _timed(function: Callable[..., Any], spent: dict[str, float], stage: str) -> Callable[..., Any]:
    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent[stage] += time.process_time() - began

    return timed


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200_000)

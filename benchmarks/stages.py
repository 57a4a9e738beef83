"""`make profile`: where each microsecond of planning goes, and what the bare work of a stage would cost.

    python -m benchmarks.stages [CUSTOMERS]

It fails if planning no longer calls the function that stands for a stage.

The file is the sandbox's sample, 0.5% of its rows wrong in the ways real files are; it is planned by one process. Each
figure is µs of CPU a customer, the least of a few runs: what else goes on at the machine can only add to it.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from armrest.intake.formats.text.csv_table import CsvTable
from armrest.intake.rows import block_reader
from armrest.intake.rows.block_reader import BlockReader
from armrest.intake.rows.key_hashes import KeyHashes
from armrest.intake.rows.postal_address import AddressColumns
from armrest.outbox.bodies import BodyWriter
from armrest.outbox.plans import plan_writer
from armrest.sandbox import write_sample
from benchmarks.contestants import environment
from benchmarks.floors import FLOORS
from benchmarks.material import CLIENT_NO, SEED
from benchmarks.programs import plan_file

RUNS: Final = 3
STAGES: Final[dict[str, tuple[object, str]]] = {
    "cut into columns": (CsvTable, "_split"),
    "searched for duplicates": (KeyHashes, "add"),
    "trimmed and rewritten": (BlockReader, "_column"),
    "checked by columns": (BlockReader, "_check"),
    "addresses completed": (AddressColumns, "blanked"),
    "built as dictionaries": (block_reader, "build_drafts"),
    "validated by pydantic": (block_reader, "validate_drafts"),
    "serialized and hashed": (block_reader, "serialize"),
    "bodies written": (BodyWriter, "write"),
    "the ledger's lines": (plan_writer, "insert_in_bulk"),
}


def main(customers: int) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "customers.csv"
        write_sample(source, customers=customers, seed=SEED)
        runs = [_run(source, Path(folder) / f"home-{number}") for number in range(RUNS)]
        floors = {stage: min(floor(source) for _ in range(RUNS)) for stage, floor in FLOORS.items()}
    least = {stage: min(run[stage] for run in runs) for stage in runs[0]}
    least["everything else"] = least["the whole plan"] - sum(least[stage] for stage in STAGES)
    print("| stage | µs a customer | the bare work alone |\n|---|---:|---:|")
    for stage in (*STAGES, "everything else", "the whole plan"):
        bare = f"{floors[stage] / customers * 1e6:.1f}" if stage in floors else ""
        print(f"| {stage} | {least[stage] / customers * 1e6:.1f} | {bare} |")


def _run(source: Path, home: Path) -> dict[str, float]:
    """The CPU seconds of each stage, and of the whole, without the start of the interpreter."""
    env = environment(home, "http://127.0.0.1/arm/v1") | {"ARMREST_PLANNING_PROCESSES": "1"}
    spent: dict[str, float] = {}
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, env))
        for timed in _timed_stages(spent):
            stack.enter_context(timed)
        began = time.process_time()
        with open(os.devnull, "w") as nowhere, patch.object(sys, "stdout", nowhere):  # noqa: PTH123
            plan_file.main(str(source), CLIENT_NO)
        whole = time.process_time() - began
    if idle := STAGES.keys() - spent.keys():
        raise SystemExit(f"planning calls none of the functions in benchmarks/stages.py for: {', '.join(sorted(idle))}")
    return spent | {"the whole plan": whole}


def _timed_stages(spent: dict[str, float]) -> Iterator[Any]:
    for stage, (place, name) in STAGES.items():
        yield patch.object(place, name, _timed(getattr(place, name), spent, stage))


def _timed(function: Callable[..., Any], spent: dict[str, float], stage: str) -> Callable[..., Any]:
    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent[stage] = spent.get(stage, 0.0) + time.process_time() - began

    return timed


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200_000)

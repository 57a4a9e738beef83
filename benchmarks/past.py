"""`make bench-past`: what planning costs today, compared with commit 4225881 in the same run (ROUNDS=9, half an hour).

The code of 4225881 is checked out beside this one, and runs with the packages of today. All programs take turns on the
same files, each as a process of its own with a new ledger; the CPU of whole processes is compared, their start
included. Printed and compared are the medians. It fails if a limit is exceeded:

- the first plan of a client: a clean file in the order of its numbers, and the same file shuffled
- the plan after one run that has settled, with the check of the file's profile, as the nightly has it
- a plan with changes only, of a file of which 1% has changed since: compared with `armrest check` of that file
"""

import argparse
import csv
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from armrest.sandbox import write_sample
from benchmarks.contestants import environment, program
from benchmarks.cost import measured
from benchmarks.material import CLIENT_NO, SEED
from benchmarks.table import machine

COMMIT: Final = "4225881"
ROOT: Final = Path(__file__).parents[1]
API_URL: Final = "http://127.0.0.1:1/arm/v1"
CHANGED_EVERY: Final = 100


@dataclass(frozen=True, slots=True)
class Limit:
    """Two programs, and how many times the CPU of the second one the first may take."""

    what: str
    ours: str
    theirs: str
    at_most: float


OLD_SORTED, OLD_SHUFFLED = f"{COMMIT}: first plan, sorted", f"{COMMIT}: first plan, shuffled"
SORTED, SHUFFLED = "first plan, sorted", "first plan, shuffled"
PROFILE = "plan after a settled run, with the profile"
CHECK, CHANGES = "check, 1% changed", "plan with changes only, 1% changed"

LIMITS: Final = (
    Limit("the first plan, sorted", SORTED, OLD_SORTED, 1.3),
    Limit("the first plan, shuffled", SHUFFLED, OLD_SHUFFLED, 1.3),
    Limit("with the profile, after one settled run", PROFILE, OLD_SORTED, 1.15),
    Limit("changes only, compared with a check", CHANGES, CHECK, 1.5),
)


class Programs:
    """Runs each program with a ledger of its own.

    Args:
        past: The checkout of the old commit.
    """

    def __init__(self, folder: Path, past: Path, customers: int) -> None:
        self._folder = folder
        self._past = past
        self._customers = customers
        self._sorted, self._shuffled, self._changed = (
            str(folder / f"{name}.csv") for name in ("sorted", "shuffled", "changed")
        )
        write_files(self._sorted, self._shuffled, self._changed, customers)
        self._settled = folder / "settled"
        env = self._environment(self._settled)
        _, run_id = measured(program("plan_file", self._sorted, CLIENT_NO), env)
        measured(program("settle_plan", run_id), env)
        shutil.rmtree(self._settled / "bodies", ignore_errors=True)

    def all(self) -> Mapping[str, Callable[[], float]]:
        """Return each program by its name; called, it returns its CPU seconds."""
        check = [str(Path(sys.executable).with_name("armrest")), "check", self._changed]
        return {
            OLD_SORTED: lambda: self._plan(self._sorted, past=True),
            SORTED: lambda: self._plan(self._sorted),
            PROFILE: lambda: self._plan(self._sorted, '{"check_profile": true}', settled=True),
            OLD_SHUFFLED: lambda: self._plan(self._shuffled, past=True),
            SHUFFLED: lambda: self._plan(self._shuffled),
            CHECK: lambda: measured(check, self._environment(self._folder / "none"))[0].cpu_seconds,
            CHANGES: lambda: self._plan(self._changed, '{"changes_only": true}', settled=True, every=CHANGED_EVERY),
        }

    def _plan(self, source: str, *options: str, past: bool = False, settled: bool = False, every: int = 1) -> float:
        home = self._folder / "home"
        if settled:
            shutil.copytree(self._settled, home)
        folder = self._past if past else None
        command = program("plan_file", source, CLIENT_NO, *options)
        cost, run_id = measured(command, self._environment(home, folder), folder=folder)
        planned = _planned(home / "ledger.db", run_id)
        shutil.rmtree(home)
        if planned != self._customers // every:
            raise SystemExit(f"{source}: {planned:,} of {self._customers:,} customers were planned")
        return cost.cpu_seconds

    def _environment(self, home: Path, folder: Path | None = None) -> dict[str, str]:
        env = environment(home, API_URL) | {"ARMREST_PLANNING_PROCESSES": "1", "PYTHONPATH": str(folder or ROOT)}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # neither is to compile itself each time
        return env


def _planned(ledger: Path, run_id: str) -> int:
    with closing(sqlite3.connect(ledger)) as rows:
        [planned] = rows.execute("SELECT planned FROM runs WHERE run_id = ?", [run_id]).fetchone()
        return int(planned)


def write_files(in_order: str, shuffled: str, changed: str, customers: int) -> None:
    """Write a file without errors, sorted by customer number; the same shuffled; and one with 1% of it changed."""
    write_sample(Path(in_order), customers=customers, seed=SEED, wrong=0)
    with Path(in_order).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    name = header.index("name")
    later = [
        [*row[:name], f"{row[name]} jr", *row[name + 1 :]] if number % CHANGED_EVERY == 0 else row
        for number, row in enumerate(rows)
    ]
    for path, chosen in ((shuffled, Random(SEED).sample(rows, len(rows))), (changed, later)):
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *chosen])


@contextmanager
def _checkout(folder: Path) -> Iterator[Path]:
    """The code of the old commit, while it is needed."""
    git = ["git", "-C", str(ROOT), "worktree"]
    added = subprocess.run([*git, "add", "--detach", str(folder), COMMIT], capture_output=True, text=True, check=False)
    if added.returncode:
        raise SystemExit(f"commit {COMMIT} cannot be checked out, fetch the whole history: {added.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def main() -> int:
    """Measure, print and compare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--customers", type=int, default=200_000)
    options.add_argument("--rounds", type=int, default=9)
    given = options.parse_args()
    taken: defaultdict[str, list[float]] = defaultdict(list)
    with TemporaryDirectory() as name, _checkout(Path(name) / "past") as past:
        programs = Programs(Path(name), past, given.customers).all()
        for call in programs.values():
            call()  # compiles what was never run
        for number in range(given.rounds):
            for program_name in list(programs) if number % 2 == 0 else reversed(list(programs)):
                taken[program_name].append(programs[program_name]())
    medians = {program_name: median(seconds) for program_name, seconds in taken.items()}
    return report(medians, customers=given.customers, rounds=given.rounds)


def report(medians: Mapping[str, float], *, customers: int, rounds: int) -> int:
    """Print a table; return 1 if a limit is exceeded, and 0 otherwise."""
    print(f"{customers:,} customers, medians of {rounds}, {machine()}\n")
    print("| | CPU s | of | CPU s | ratio | at most |\n|---|---:|---|---:|---:|---:|")
    exceeded = []
    for limit in LIMITS:
        ours, theirs = medians[limit.ours], medians[limit.theirs]
        figures = f"{ours:.2f} | {limit.theirs} | {theirs:.2f} | {ours / theirs:.2f} | {limit.at_most}"
        print(f"| {limit.ours} | {figures} |")
        if ours > limit.at_most * theirs:
            exceeded.append(limit.what)
    if exceeded:
        print(f"\nThe limit is exceeded: {'; '.join(exceeded)}")
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())

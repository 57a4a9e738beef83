# ruff: noqa: T201 - a target of make prints what it finds
"""`make mutants`: plant each mutant in a copy of the project, and run the tests that must notice.

python -m tests.mutants             all of them
python -m tests.mutants --short     ten quick ones, chosen by the commit
python -m tests.mutants WORD        those whose promise contains a word
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from tests.mutants.all import MUTANTS
from tests.mutants.mutant import ROOT, Mutant, Stale

COPIED: Final = ("armrest", "tasks", "flows", "deployments", "tests", "docs", "pyproject.toml", "README.md")
SHORT: Final = 10
PLUGINS: Final = ("asyncio", "pytest_timeout", "xdist", "no:cacheprovider")
"""What our tests need of pytest's plugins: loading all that are installed takes longer than most of the tests."""
SURVIVED, KILLED = 0, 1
"""pytest's exit codes; any other says that the tests did not run, which proves nothing."""


def main() -> int:
    """Return 0 if every mutant applies and is killed, and the tests pass without it."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("word", nargs="?", default="", help="Only mutants whose promise contains this.")
    parser.add_argument("--short", action="store_true", help="Only ten quick ones, chosen by the commit.")
    options = parser.parse_args()
    stale = list(_stale(MUTANTS))
    print(*stale, sep="\n", end="\n" if stale else "")
    chosen = _of_this_commit() if options.short else [one for one in MUTANTS if options.word in one.promise]
    with _copy() as copy:
        failed = [said for mutant in chosen if (said := _try(copy, mutant))]
        failed += _sound(copy, chosen)
    print(f"{len(chosen)} of {len(MUTANTS)} mutants planted; {len(failed)} wrong, {len(stale)} stale")
    return 1 if stale or failed else 0


def _stale(mutants: Sequence[Mutant]) -> Iterator[str]:
    for mutant in mutants:
        try:
            mutant.patched()
        except Stale as stale:
            yield str(stale)


def _of_this_commit() -> list[Mutant]:
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    quick = [mutant for mutant in MUTANTS if not mutant.is_slow]
    return Random(asked.stdout.strip()).sample(quick, SHORT)


@contextmanager
def _copy() -> Iterator[Path]:
    """Copy what the tests need, so that no mutant is ever in the project itself."""
    with tempfile.TemporaryDirectory() as folder:
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__", "images"))
            else:
                shutil.copy(ROOT / name, folder)
        yield Path(folder)


def _sound(copy: Path, mutants: Sequence[Mutant]) -> list[str]:
    """Return what is wrong with the tests themselves: they have to pass where nothing is planted."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    ended = _pytest(copy, tests)
    if ended.returncode == SURVIVED:
        return []
    print(ended.stdout[-3000:])
    return ["the tests fail without a mutant"]


def _try(copy: Path, mutant: Mutant) -> str:
    """Plant a mutant, run its tests and take it out again; return what is wrong, `""` if it is killed."""
    path = copy / mutant.file
    whole, started = path.read_text(encoding="utf-8"), time.monotonic()
    try:
        _write(path, mutant.patched(copy))
        ended = _pytest(copy, mutant.tests)
    except Stale as stale:
        return str(stale)
    finally:
        _write(path, whole)
    how = {SURVIVED: "SURVIVED", KILLED: "killed"}.get(ended.returncode, f"NOT RUN (exit code {ended.returncode})")
    killer = re.search(r"^(?:FAILED|ERROR) tests/(\S+)", ended.stdout, re.MULTILINE)
    by = f" (by {killer[1]})" if killer else ""
    print(f"{how:8} {time.monotonic() - started:5.1f} s  {mutant.promise}{by}", flush=True)
    if how.startswith("NOT RUN"):
        print(ended.stdout[-2000:], ended.stderr[-1000:])
    return "" if how == "killed" else f"{how}: {mutant.promise}"


def _write(path: Path, text: str) -> None:
    """Write a module, and remove what Python has compiled of it: within a second it would be taken for the same."""
    path.write_text(text, encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


def _pytest(copy: Path, tests: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "pytest", "-q", "-x", "--timeout", "120"]
    words += [word for plugin in PLUGINS for word in ("-p", plugin)]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [*words, *(f"tests/{test}" for test in tests)],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())

"""A test's id is fixed by the source text: workers that collect at other moments must find the same tests.

`pytest -n` refuses to run when two workers collect different ids, so an id made of a time, a random number, a set's
order or an object's address makes the whole suite red now and then.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import plain_environment

ROOT = Path(__file__).parents[2]
OTHER_DAYS = ("Pacific/Kiritimati", "Pacific/Midway")
"""Two time zones that are 25 hours apart: it is never the same day in both."""


def collected(hash_seed: int, time_zone: str) -> tuple[list[str], float]:
    """Collect the whole suite in a process of its own; return the ids in their order, and when it had begun."""
    began = time.time()
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=plain_environment() | {"PYTHONHASHSEED": str(hash_seed), "TZ": time_zone},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == os.EX_OK, process.stdout[-2000:] + process.stderr[-2000:]
    return [line for line in process.stdout.splitlines() if "::" in line], began


@pytest.mark.long
def test_two_processes_that_collect_at_other_moments_find_the_same_tests_in_the_same_order() -> None:
    first, began = collected(1, OTHER_DAYS[0])
    second, began_later = collected(2, OTHER_DAYS[1])

    assert began_later - began > 1, "both have collected in the same second: nothing was shown"
    assert len(first) > 1000
    assert [pair for pair in zip(first, second, strict=False) if pair[0] != pair[1]] == []
    assert len(first) == len(second)

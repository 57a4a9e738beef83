"""Every benchmark starts, runs and reports on a tiny input; its figures mean nothing there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from armrest.app.plan_run import plan_run
from benchmarks import past, stages
from benchmarks.flame import Sampler, draw

ROOT = Path(__file__).parents[2]
TARGET = re.compile(r"^((?:bench[a-z-]*|profile)): .*\n((?:\t.*\n)+)", re.MULTILINE)
MODULE = re.compile(r"-m (benchmarks[.\w]*)")
OF_MAKE = {
    target: MODULE.findall(recipe) for target, recipe in TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
}

QUICK = {
    "benchmarks.flame": ["--customers", "300", "-o", "planning.svg"],
    "benchmarks.stages": ["300"],
}
SLOW = {
    "benchmarks": ["--sizes", "100", "--rounds", "1", "-o", "bench.json"],
    "benchmarks.check": ["--customers", "300", "--rounds", "1"],
    "benchmarks.cores": ["--customers", "300", "--rounds", "1", "--parts", "2", "--parquet"],
    "benchmarks.emails": ["--customers", "300", "--rounds", "1"],
    "benchmarks.file_nights": ["--companies", "1"],
    "benchmarks.frames": ["--customers", "300", "--rounds", "1"],
    "benchmarks.history": ["--customers", "1000", "--nights", "2"],
    "benchmarks.migration": ["--lines", "1"],
    "benchmarks.pace": ["--seconds", "1"],
    "benchmarks.past": ["--customers", "300", "--rounds", "1"],
    "benchmarks.sandbox_pace": ["--customers", "2000"],
    "benchmarks.scale": ["--batches", "3", "--customers", "300", "--rounds", "1"],
}
NOT_IN_MAKE = {"benchmarks.migration", "benchmarks.sandbox_pace"}
REPORTS = {
    "benchmarks": "the whole run",
    "benchmarks.check": "Planning costs",
    "benchmarks.cores": "300 customers in 2 parts of Parquet",
    "benchmarks.emails": "A second address",
    "benchmarks.file_nights": "The nightly finds",
    "benchmarks.flame": "µs a customer, drawn in planning.svg",
    "benchmarks.frames": "| polars |",
    "benchmarks.history": "after 2 nights",
    "benchmarks.migration": "lines, ",
    "benchmarks.pace": "| slow under load",
    "benchmarks.past": "| plan with changes only",
    "benchmarks.sandbox_pace": "known to the books",
    "benchmarks.scale": "On the disk, a customer:",
    "benchmarks.stages": "| the whole plan |",
}


def test_every_benchmark_of_the_makefile_is_tried_here() -> None:
    assert all(OF_MAKE.values())
    assert {module for modules in OF_MAKE.values() for module in modules} == {*QUICK, *SLOW} - NOT_IN_MAKE
    assert {*QUICK, *SLOW} == {*REPORTS}


def reported(module: str, arguments: list[str], folder: Path) -> str:
    """What it prints. A limit that a tiny input exceeds is no failure, an exception is one."""
    command = [sys.executable, "-m", module, *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 1}, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def has_commit(name: str) -> bool:
    shown = subprocess.run(["git", "-C", str(ROOT), "cat-file", "-e", name], capture_output=True, check=False)
    return shown.returncode == 0


def test_the_table_of_stages_is_printed(tmp_path: Path) -> None:
    module = "benchmarks.stages"

    assert REPORTS[module] in reported(module, QUICK[module], tmp_path)


def test_the_flame_graph_of_a_small_plan_has_boxes(tmp_path: Path) -> None:
    module = "benchmarks.flame"
    printed = reported(module, QUICK[module], tmp_path)
    names = re.findall(r"<title>(.*?) \(", (tmp_path / "planning.svg").read_text(encoding="utf-8"))

    assert REPORTS[module] in printed
    assert names[0].startswith("all: ")
    assert any(name.startswith("armrest.planning.") for name in names)


@pytest.mark.long
@pytest.mark.parametrize("module", SLOW)
def test_a_benchmark_reports(module: str, tmp_path: Path) -> None:
    if module == past.__name__ and not has_commit(past.COMMIT):
        # a shallow clone, as many CI systems make, lacks the old commit that this benchmark runs
        pytest.skip("needs the whole git history")
    assert REPORTS[module] in reported(module, SLOW[module], tmp_path)


def test_a_function_in_which_nothing_was_sampled_is_named_in_one_line() -> None:
    with Sampler(plan_run) as sampler:
        sum(range(100_000))

    with pytest.raises(SystemExit, match=r"^nothing was sampled within plan_run: .*$"):
        draw(sampler, customers=300)


def test_a_stage_whose_function_planning_no_longer_calls_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stages.STAGES, "renamed", (Sampler, "__enter__"))

    with pytest.raises(SystemExit, match=r"for: renamed$"):
        stages.main(300)

"""Only what was started is ended."""

import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deployments import processes
from deployments.down import stop_stack
from deployments.local_stack import LocalStack
from deployments.processes import Process

# a process is meant to outlive its starter, so nobody waits for it
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

SLEEP = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    """A process with a child."""
    one = processes.start(
        "sleeper",
        [sys.executable, "-c", f"{SLEEP} print('awake', flush=True); time.sleep(60)"],
        port=1,
        environment=os.environ,
        folder=tmp_path,
        log=tmp_path / "log",
    )
    yield one
    processes.end(one, patience_seconds=0.2)


def awake(log: Path) -> None:
    while "awake" not in log.read_text():
        pass


def test_a_process_is_ended_with_its_children(sleeper: Process, tmp_path: Path) -> None:
    awake(tmp_path / "log")
    found = sleeper.live_process()
    assert found
    family = [found, *found.children()]
    assert len(family) == 2

    assert processes.end(sleeper, patience_seconds=0.2)
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)
    assert not processes.end(sleeper)


def test_another_process_that_has_its_number_is_left_alone(sleeper: Process) -> None:
    earlier = dataclasses.replace(sleeper, created=sleeper.created - 100)

    assert earlier.live_process() is None
    assert not processes.end(earlier)
    assert sleeper.live_process()


def test_what_is_written_down_is_read_again(sleeper: Process, tmp_path: Path) -> None:
    processes.save(tmp_path / "pids", [sleeper])

    assert processes.load(tmp_path / "pids") == [sleeper]
    assert processes.load(tmp_path / "none") == []


def test_the_worker_is_ended_first_whatever_was_started_last(tmp_path: Path) -> None:
    """After a restart of the server alone, the server is the last that was started."""
    stack = LocalStack(tmp_path)
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    place = {"port": 1, "environment": os.environ, "folder": tmp_path, "log": tmp_path / "log"}
    names = ("sandbox", "worker", "server")
    processes.save(stack.pids, [processes.start(name, sleep, **place) for name in names])  # type: ignore[arg-type]

    assert stop_stack(stack).startswith("Stopped: worker, sandbox, server.")

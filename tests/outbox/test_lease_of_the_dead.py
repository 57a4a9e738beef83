"""Whether a lease's holder lives is asked of the operating system, which knows more than its process number."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from armrest.outbox import LeaseHeld, Outbox, Run, take_lease, this_process
from armrest.outbox.sending.leases import start_ticks

HAS_PROC = Path("/proc/self/stat").exists()
Taking = Callable[..., object]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.fixture
def holder(sleeper: subprocess.Popen[bytes]) -> dict[str, object]:
    return (
        this_process()
        | {"pid": sleeper.pid, "started": psutil.Process(sleeper.pid).create_time()}
        | ({"ticks": start_ticks(sleeper.pid)} if HAS_PROC else {})
    )


@pytest.fixture
def taking(outbox: Outbox, planned: Callable[..., Run]) -> Taking:
    run = planned("r1", [{"customerNo": "1"}])

    def take(run_id: str, **process: object) -> object:
        return take_lease(
            outbox.ledger,
            api_url=run.api_url,
            client_no=run.client_no,
            run_id=run_id,
            seconds=60,
            process=process or None,
        )

    return take


def test_a_holder_that_is_stopped_but_lives_keeps_its_lease(
    taking: Taking, holder: dict[str, object], sleeper: subprocess.Popen[bytes]
) -> None:
    taking("r1", **holder)
    sleeper.send_signal(signal.SIGSTOP)

    with pytest.raises(LeaseHeld, match="run r1 is sending"):
        taking("r2")


def test_a_holder_that_is_dead_is_taken_over_though_its_parent_has_not_noticed(
    taking: Taking, holder: dict[str, object], sleeper: subprocess.Popen[bytes]
) -> None:
    taking("r1", **holder)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # it is dead, and stays a zombie

    assert taking("r2")


def test_another_process_that_got_the_number_of_a_dead_holder_is_not_the_holder(
    taking: Taking, holder: dict[str, object]
) -> None:
    taking("r1", **holder | {"started": 1.0, "ticks": 1})

    assert taking("r2")


def test_a_step_of_the_clock_does_not_make_a_live_holder_look_dead(taking: Taking, holder: dict[str, object]) -> None:
    if not HAS_PROC:
        pytest.skip("start times are wall-clock times here")
    started = holder["started"]
    assert isinstance(started, float)
    taking("r1", **holder | {"started": started - 3600})

    with pytest.raises(LeaseHeld, match="run r1 is sending"):
        taking("r2")


def test_a_lease_of_an_older_version_is_compared_by_the_time_of_the_start(
    taking: Taking, holder: dict[str, object]
) -> None:
    old = {name: value for name, value in holder.items() if name != "ticks"}
    taking("r1", **old)

    with pytest.raises(LeaseHeld, match="run r1 is sending"):
        taking("r2")


def test_the_ticks_of_a_process_do_not_depend_on_its_name() -> None:
    if not HAS_PROC:
        pytest.skip("there is no /proc here")
    naming = "import sys; open('/proc/self/comm', 'w').write('a) b 1 2'); print('named', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", naming]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        before = start_ticks(process.pid)
        assert process.stdout is not None
        assert process.stdout.readline() == b"named\n"
        assert start_ticks(process.pid) == before
        process.kill()

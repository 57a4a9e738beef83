"""Whether a lease's holder lives is asked of the operating system, which knows more than its process number."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from armrest.outbox import LeaseHeld, Outbox, Run, take_lease, this_process

Taking = Callable[..., object]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.fixture
def holder(sleeper: subprocess.Popen[bytes]) -> dict[str, object]:
    return this_process() | {"pid": sleeper.pid, "started": psutil.Process(sleeper.pid).create_time()}


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
    taking("r1", **holder | {"started": 1.0})

    assert taking("r2")

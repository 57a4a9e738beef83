"""Ctrl-C ends a call that waits: the run is in the ledger as stopped by a person, and can be resumed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import armrest
from armrest.sandbox import SandboxServer
from tests.facade.conftest import CLIENT_NO

SEND = """
import sys, armrest, pandas as pd
def update():
    arm = armrest.connect(api_url=sys.argv[1], token=sys.argv[2], home=sys.argv[3])
    frame = pd.DataFrame({"customerNo": ["10001"], "name": ["Kari"]})
    arm.update_customers(frame, client_no=2218)
"""
PLAIN = f"{SEND}\nupdate()"
IN_A_LOOP = f"""{SEND}
import asyncio, warnings
warnings.simplefilter("ignore")
async def main():
    update()
asyncio.get_event_loop_policy().new_event_loop().run_until_complete(main())
"""
PATIENCE_SECONDS = 120


@pytest.mark.parametrize("code", [PLAIN, IN_A_LOOP], ids=["plain", "in-a-loop"])
def test_ctrl_c_leaves_a_run_that_can_be_resumed(
    code: str, connection: armrest.Connection, arm: SandboxServer, tmp_path: Path
) -> None:
    arm.behaviour.delay_seconds = 3600
    home = tmp_path / "home"
    words = [sys.executable, "-c", code, arm.api_url, arm.token, str(home)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        until = time.monotonic() + PATIENCE_SECONDS
        while not arm.records.batches() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_SECONDS)

    (run_id,) = connection.runs().runId
    summary = connection.run(run_id).summary
    assert process.returncode != 0
    assert "KeyboardInterrupt" in err
    assert (summary.stopped_by, summary.can_be_resumed) == ("person", True)
    assert list((home / "frames").iterdir()) == []
    assert connection.history("10001", client_no=CLIENT_NO).outcome.tolist() == ["open"]


def test_planning_that_was_killed_is_resumed_from_the_frame(
    connection: armrest.Connection, arm: SandboxServer, tmp_path: Path
) -> None:
    """The process dies as it plans; what it has spooled is still there, and the run plans again from it."""
    home = tmp_path / "home"
    dies = SEND.replace(
        "arm.update_customers(frame, client_no=2218)",
        "arm.update_customers(frame, client_no=2218, progress=lambda _: os._exit(9))",
    )
    words = [sys.executable, "-c", f"import os\n{dies}\nupdate()", arm.api_url, arm.token, str(home)]
    ended = subprocess.run(words, cwd=tmp_path, check=False)
    (run_id,) = connection.runs().runId

    assert ended.returncode == 9
    assert len(list((home / "frames").glob("*/frame"))) == 1
    run = connection.resume(run_id, wait="5m")
    assert (run.is_complete, run.customers.settled) == (True, 1)
    assert list((home / "frames").iterdir()) == []

"""A ledger is restored from a copy that was taken in mid-run: what the copy does not know is sent, polled, planned."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from armrest.sandbox import Behaviour, Fault, SandboxServer
from tests.conftest import CLIENT_NO, Ended, Shell
from tests.kills.workspace import until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.long]

BATCHES = 20
CUSTOMERS = 10 * BATCHES
UPDATE = ("update-customers", "--client-no", str(CLIENT_NO), "--batch-size", "10", "--json")

MOMENTS: dict[str, Callable[[dict[str, int], bool], bool]] = {
    "planning": lambda _, planned: not planned,
    "sending": lambda states, _: bool(states.get("PLANNED") and states.get("ACCEPTED")),
    "polling": lambda states, _: set(states) == {"ACCEPTED"},
}
"""What a copy holds that was taken meanwhile: how many batches in which state, and whether the plan is complete."""


def test_a_ledger_restored_from_a_copy_of_any_moment_is_resumed_and_all_that_the_copy_does_not_know_is_done(
    prefect_shell: Shell, file: Callable[..., str], arm: SandboxServer, tmp_path: Path
) -> None:
    ledger = tmp_path / "home" / "ledger.db"
    arm.behaviour.update(Behaviour(faults={Fault.SLOW: 1.0}, slow_seconds=0.2, delay_seconds=3600))
    running = prefect_shell.start(*UPDATE, file(CUSTOMERS), ARMREST_CONCURRENCY="2")
    copies = {}
    try:
        for moment, is_wanted in MOMENTS.items():
            until(lambda copy=tmp_path / moment, is_wanted=is_wanted: taken(ledger, copy, is_wanted))  # type: ignore[misc]
            copies[moment] = states_in(tmp_path / moment)[0]
    except BaseException:
        os.killpg(running.pid, signal.SIGKILL)
        raise
    finally:
        arm.behaviour.update(Behaviour())
        arm.records.drain()
        out, err = running.communicate()
    first = Ended(running.wait(), out, err)
    run_id, ends = first.json["run_id"], {}
    for moment in reversed(MOMENTS):  # a plan that is made again removes the bodies of the one before
        restore(tmp_path / moment, ledger)
        before = len(arm.records.batches())
        resumed = prefect_shell("resume", run_id, "--json").json
        sent = len(arm.records.batches()) - before
        ends[moment] = (resumed["state"], resumed["customers"]["settled"], states_in(ledger), sent)

    unsent = copies["sending"].get("PLANNED", 0) + copies["sending"].get("SENDING", 0)
    assert (first.exit_code, first.json["state"]) == (0, "Completed")
    done = ("Completed", CUSTOMERS, ({"SETTLED": BATCHES}, True))
    assert ends == {"polling": (*done, 0), "sending": (*done, unsent), "planning": (*done, BATCHES)}


def taken(ledger: Path, copy: Path, is_wanted: Callable[[dict[str, int], bool], bool]) -> bool:
    """Copy a ledger while it is written to; tell whether the copy is of the wanted moment."""
    if not ledger.exists():
        return False
    with (
        closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    try:
        return is_wanted(*states_in(copy))
    except (sqlite3.OperationalError, TypeError):  # there are no tables yet, or no run
        return False


def states_in(ledger: Path) -> tuple[dict[str, int], bool]:
    """Return how many batches are in which state, and whether the run's plan is complete."""
    with closing(sqlite3.connect(ledger)) as opened:
        states = dict(opened.execute("select state, count(*) from batches group by state").fetchall())
        (planned,) = opened.execute("select planned_at is not null from runs").fetchone()
    return states, bool(planned)


def restore(copy: Path, ledger: Path) -> None:
    for name in ("ledger.db-wal", "ledger.db-shm"):
        ledger.with_name(name).unlink(missing_ok=True)
    shutil.copy(copy, ledger)

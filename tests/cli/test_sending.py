"""The commands that send, as processes, with a Prefect server running and the sandbox for ARM."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from armrest.sandbox import CLIENT_ID, CLIENT_SECRET, SandboxServer
from tests.conftest import CLIENT_NO, Shell

pytestmark = pytest.mark.xdist_group("prefect")

Write = Callable[..., str]
UPDATE = ("update-customers", "--client-no", str(CLIENT_NO), "--json")
PEOPLE = {"read", "rejected", "unchanged", "planned", "settled", "failed", "open", "superseded"}


def names_in(arm: SandboxServer) -> dict[str, str]:
    return {no: record["name"] for no, record in arm.records.customers(CLIENT_NO).items()}


def expected(number: int) -> dict[str, str]:
    return {str(no): f"Kunde {no}" for no in range(10001, 10001 + number)}


def until(condition: Callable[[], Any], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def accepted_in(shell: Shell) -> int:
    """Count what the ledger knows to be accepted."""
    try:
        with closing(sqlite3.connect(f"file:{shell.folder}/home/ledger.db?mode=ro", uri=True)) as ledger:
            return int(ledger.execute("select count(batch_uuid) from batches").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # nothing is there yet


def test_a_file_becomes_updated_customers(prefect_shell: Shell, file: Write, arm: SandboxServer) -> None:
    ended = prefect_shell(*UPDATE, file(250), "--batch-size", "100")

    told = ended.json
    assert ended.exit_code == 0
    assert names_in(arm) == expected(250)
    assert list(told) == [
        "run_id",
        "client_no",
        "state",
        "customers",
        "batches",
        "batch_uuids",
        "rejects_file",
        "message",
    ]
    assert told["state"] == "Completed"
    assert told["customers"] == dict.fromkeys(PEOPLE, 0) | {"read": 250, "planned": 250, "settled": 250}
    assert told["batches"] == {"planned": 3, "settled": 3, "failed": 0, "open": 0}
    assert set(told["batch_uuids"]) == {batch.batch_uuid for batch in arm.records.batches()}
    assert ended.out.count("\n") == 1
    assert "Traceback" not in ended.err


def test_what_arm_does_not_hold_afterwards_is_drift_and_exit_1(
    prefect_shell: Shell, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.forget_customers = frozenset({"10003"})

    ended = prefect_shell(*UPDATE, file(5), "--verify-sample", "5")

    found = ended.json["verification"]
    assert (ended.exit_code, ended.json["state"], found["equal"]) == (1, "Completed", False)
    assert found["drift"] == [{"customer_no": "10003", "drift": "missing", "fields": []}]


def test_what_arm_refused_is_exit_1_and_a_rerun_heals_it(prefect_shell: Shell, file: Write, arm: SandboxServer) -> None:
    arm.behaviour.refuse_customers = frozenset({"10002"})
    failed = prefect_shell(*UPDATE, file(20), "--batch-size", "10")
    arm.behaviour.refuse_customers = frozenset()
    healed = prefect_shell("rerun", failed.json["run_id"], "--json")
    nothing_left = prefect_shell("rerun", failed.json["run_id"], "--json")

    assert failed.exit_code == 1
    assert failed.json["state"] == "PartlyFailed"
    assert (failed.json["customers"]["settled"], failed.json["customers"]["failed"]) == (19, 1)
    assert healed.exit_code == 0
    assert (healed.json["state"], healed.json["customers"]["planned"]) == ("Completed", 1)
    assert names_in(arm) == expected(20)
    assert (nothing_left.exit_code, nothing_left.json["customers"]["planned"]) == (0, 0)
    family = prefect_shell("show", failed.json["run_id"], "--json").json["children"]
    assert healed.json["run_id"] in family


def test_a_rerun_of_chosen_batches_sends_only_theirs(prefect_shell: Shell, file: Write, arm: SandboxServer) -> None:
    arm.behaviour.refuse_customers = frozenset({"10002", "10012"})
    failed = prefect_shell(*UPDATE, file(20), "--batch-size", "10").json
    arm.behaviour.refuse_customers = frozenset()
    stranger = prefect_shell("rerun", failed["run_id"], "--batch-uuid", "A" * 22, "--json")
    healed = prefect_shell("rerun", failed["run_id"], "--batch-uuid", failed["batch_uuids"][1], "--json")

    assert stranger.exit_code == 2
    assert "A" * 22 in stranger.complaint
    assert healed.json["customers"]["planned"] == 1
    assert "10012" in names_in(arm)
    assert "10002" not in names_in(arm)


def test_what_is_open_at_the_deadline_is_exit_1_and_resume_settles_it(
    prefect_shell: Shell, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.delay_seconds = 3600
    late = prefect_shell(*UPDATE, file(20), "--batch-size", "10", "--deadline", "1s")
    arm.behaviour.delay_seconds = 0
    arm.records.drain()
    resumed = prefect_shell("resume", late.json["run_id"], "--json")

    assert late.exit_code == 1
    assert late.json["state"] in {"Unsettled", "Stopped"}, "a busy machine may not have sent all of it"
    assert late.json["customers"]["open"] == 20
    assert (resumed.exit_code, resumed.json["state"]) == (0, "Completed")
    assert resumed.json["run_id"] == late.json["run_id"]
    assert len(arm.records.batches()) == 2


def test_a_killed_run_is_carried_on_and_nothing_acknowledged_is_sent_again(
    prefect_shell: Shell, file: Write, arm: SandboxServer
) -> None:
    arm.behaviour.rate = 5.0
    running = prefect_shell.start(*UPDATE, file(200), "--batch-size", "10", ARMREST_CONCURRENCY="2")
    until(lambda: len(arm.records.batches()) > 5)
    run_id = prefect_shell("runs", "--json").json[0]["run_id"]
    alive = prefect_shell("resume", run_id, "--json")
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    arm.behaviour.rate = None
    known = set(prefect_shell("show", run_id, "--json").json["batch_uuids"])
    resumed = prefect_shell("resume", run_id, "--json")

    assert alive.exit_code == 2
    assert run_id in alive.complaint
    assert (resumed.exit_code, resumed.json["state"]) == (0, "Completed")
    assert names_in(arm) == expected(200)
    assert known <= set(resumed.json["batch_uuids"])
    assert len(arm.records.batches()) <= 20 + 2


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "TERM"])
def test_a_stopped_run_says_how_to_carry_on(
    prefect_shell: Shell, file: Write, arm: SandboxServer, number: signal.Signals, exit_code: int
) -> None:
    arm.behaviour.delay_seconds = 3600
    running = prefect_shell.start(*UPDATE, file(20), "--batch-size", "10")
    until(lambda: accepted_in(prefect_shell) == 2)
    os.killpg(running.pid, number)
    _, err = running.communicate(timeout=120)

    assert running.returncode == exit_code
    assert "armrest resume" in err
    assert "Traceback" not in err
    assert len(prefect_shell("runs", "--json").json[0]["batch_uuids"]) == 2


def test_a_login_creates_customers_and_people_get_a_story(
    prefect_shell: Shell, file: Write, arm: SandboxServer
) -> None:
    ended = prefect_shell(
        *("update-customers", file(3), "--client-no", str(CLIENT_NO), "--mode", "upsert"),
        ARMREST_TOKEN=None,
        ARMREST_IDENTITY_URL=arm.identity_url,
        ARMREST_IDENTITY_CLIENT_ID=CLIENT_ID,
        ARMREST_IDENTITY_CLIENT_SECRET=CLIENT_SECRET,
    )

    assert (ended.exit_code, names_in(arm)) == (0, expected(3))
    assert [batch.method for batch in arm.records.batches()] == ["POST"]
    assert "Completed: 3 of 3 customers updated" in ended.out
    assert "prefect" not in ended.err.lower().replace("starting prefect", "")

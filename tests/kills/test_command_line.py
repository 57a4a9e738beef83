"""The whole command line killed, stopped and doubled, as processes, with Prefect about them."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from armrest.sandbox import Behaviour, Fault, SandboxServer
from tests import migrated_home
from tests.conftest import CLIENT_NO, Ended, Shell, customers, plain_environment
from tests.kills.workspace import until
from tests.warm_command import Command

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.long]

UPDATE = ("update-customers", "--client-no", str(CLIENT_NO), "--batch-size", "10", "--json")
SLOW = Behaviour(faults={Fault.SLOW: 1.0}, slow_seconds=2.0)
"""Every answer comes two seconds after ARM has accepted: there is always something in flight."""

Start = Callable[..., Command]


@pytest.fixture
def start(prefect_shell: Shell) -> Iterator[Start]:
    """Start `armrest`; whatever still runs at the end is killed with its children."""
    started: list[Command] = []

    def begin(*words: str, shell: Shell = prefect_shell, **variables: str) -> Command:
        started.append(shell.start(*words, **variables))
        return started[-1]

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def embedded_shell(settings: Mapping[str, str], tmp_path: Path) -> Shell:
    """The command line that starts Prefect's own server, on a database that needs no migrations any more."""
    home = tmp_path / "prefect"
    migrated_home.fill(home, plain_environment())
    return Shell(tmp_path, {**settings, "PREFECT_HOME": str(home)})


def test_killed_while_planning_while_sending_and_while_polling_it_is_carried_on(
    prefect_shell: Shell, start: Start, tmp_path: Path, arm: SandboxServer
) -> None:
    number = 20_000
    (tmp_path / "large.csv").write_text(customers(number))
    update = ("update-customers", "large.csv", "--client-no", str(CLIENT_NO), "--json")

    kill(start(*update), when=lambda: in_ledger(tmp_path, "batches") and not in_ledger(tmp_path, "planned_at"))
    (run,) = prefect_shell("runs", "--json").json
    sent_while_planning = len(arm.records.batches())
    resume = ("resume", run["run_id"], "--json")
    arm.behaviour.update(Behaviour(faults={Fault.SLOW: 1.0}, slow_seconds=0.2, delay_seconds=5))
    kill(start(*resume, ARMREST_CONCURRENCY="2"), when=lambda: len(arm.records.batches()) >= 8)
    known = set(prefect_shell("show", run["run_id"], "--json").json["batch_uuids"])
    kill(start(*resume), when=lambda: in_ledger(tmp_path, "accepted") == 20)
    arm.behaviour.update(Behaviour())
    ended = prefect_shell(*resume)

    assert sent_while_planning == 0
    assert (ended.exit_code, ended.json["state"]) == (0, "Completed")
    assert ended.json["customers"]["settled"] == number
    assert names_in(arm) == {str(no): f"Kunde {no}" for no in range(10001, 10001 + number)}
    assert known <= set(ended.json["batch_uuids"])
    assert len(arm.records.batches()) <= 20 + 2, "more was sent again than was in flight"


@pytest.mark.parametrize(
    ("number", "to", "exit_code", "by", "said"),
    [
        (signal.SIGINT, os.killpg, 130, "person", "stopped by a person; "),
        (signal.SIGTERM, os.kill, 143, "machine", "stopped because its worker or machine was shut down; "),
    ],
    ids=["Ctrl-C to the process group", "SIGTERM to the process"],
)
def test_stopped_it_awaits_what_is_in_flight_says_how_to_carry_on_and_leaves_no_server(
    embedded_shell: Shell,
    start: Start,
    file: Callable[..., str],
    arm: SandboxServer,
    number: signal.Signals,
    to: Callable[[int, int], None],
    exit_code: int,
    by: str,
    said: str,
) -> None:
    arm.behaviour.update(SLOW)
    running = start(*UPDATE, file(400), shell=embedded_shell, ARMREST_CONCURRENCY="3")
    until(lambda: len(arm.records.batches()) >= 3, seconds=180)  # the scout, and two in flight at least
    children = psutil.Process(running.pid).children(recursive=True)

    to(running.pid, number)
    stopped_at = time.monotonic()
    out, err = running.communicate(timeout=120)
    took = time.monotonic() - stopped_at

    (run,) = embedded_shell("runs", "--json").json
    assert running.returncode == exit_code
    assert took < 60  # it took 72 s where the server had died first
    assert f"armrest resume {run['run_id']}" in err
    assert "Traceback" not in err
    told = Ended(exit_code, out, err).json
    sent = len(run["batch_uuids"])
    rest = f"{40 - sent} batches not sent, {run['batches']['open'] - (40 - sent)} not answered ({left(run)})"
    assert {name: run[name] for name in told} == told | {"message": f"{said}{rest}"}
    with closing(sqlite3.connect(embedded_shell.folder / "home" / "ledger.db")) as ledger:
        assert ledger.execute("select stopped_by from runs").fetchone() == (by,)
    assert run["state"] == "Failed"
    assert set(run["batch_uuids"]) == {batch.batch_uuid for batch in arm.records.batches()}
    assert children
    assert psutil.wait_procs(children, timeout=60)[1] == []


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"])
def test_stopped_while_prefects_server_starts_it_leaves_none_behind(
    embedded_shell: Shell,
    start: Start,
    file: Callable[..., str],
    arm: SandboxServer,
    number: signal.Signals,
    exit_code: int,
) -> None:
    running = start(*UPDATE, file(20), shell=embedded_shell)
    process = psutil.Process(running.pid)
    until(lambda: any("prefect.server" in word for child in process.children() for word in words_of(child)))
    children = process.children(recursive=True)

    running.send_signal(number)
    out, err = running.communicate(timeout=120)

    assert running.returncode == exit_code
    assert Ended(exit_code, out, err).json["state"] == "Failed"
    assert "Traceback" not in err
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert arm.records.batches() == []


def test_of_two_started_at_the_same_second_one_sends_and_the_other_says_who_holds_the_client(
    prefect_shell: Shell, start: Start, file: Callable[..., str], arm: SandboxServer
) -> None:
    arm.behaviour.update(SLOW)
    both = [start(*UPDATE, file(40)) for _ in range(2)]
    ends = [Ended(process.wait(), *process.communicate()) for process in both]
    refused, sent = sorted(ends, key=lambda end: -end.exit_code)

    assert (sent.exit_code, sent.json["state"]) == (0, "Completed")
    assert refused.exit_code == 2
    assert f"run {sent.json['run_id']} is sending for client {CLIENT_NO}" in refused.complaint
    assert "--wait" in refused.complaint
    assert {batch.batch_uuid for batch in arm.records.batches()} == set(sent.json["batch_uuids"])


def test_of_two_that_may_wait_one_sends_after_the_other(
    prefect_shell: Shell, start: Start, file: Callable[..., str], arm: SandboxServer
) -> None:
    both = [start(*UPDATE, file(40), "--wait", "1m") for _ in range(2)]
    ends = [Ended(process.wait(), *process.communicate()) for process in both]

    assert [end.exit_code for end in ends] == [0, 0]
    by_uuid = {uuid: end.json["run_id"] for end in ends for uuid in end.json["batch_uuids"]}
    sent = [by_uuid[batch.batch_uuid] for batch in arm.records.batches()]
    assert sent == [sent[0]] * 4 + [sent[-1]] * 4
    assert sent[0] != sent[-1]


def test_a_holder_that_slept_through_a_takeover_sends_nothing_more_and_says_so(
    prefect_shell: Shell, start: Start, tmp_path: Path, file: Callable[..., str], arm: SandboxServer
) -> None:
    arm.behaviour.update(SLOW)
    lease = {"ARMREST_LEASE_SECONDS": "2", "ARMREST_CONCURRENCY": "2"}
    sleeper = start(*UPDATE, file(400), **lease)
    until(lambda: len(arm.records.batches()) >= 3)
    time.sleep(0.5)  # both connections wait for an answer by now: nothing else can be on its way
    os.killpg(sleeper.pid, signal.SIGSTOP)
    before = len(arm.records.batches())
    others = customers(30).splitlines()
    other_file = file("\n".join([others[0], *(f"9{row}" for row in others[1:])]), "others.csv")
    takes_over = ("--wait", "30s", "--client-no-is-right", str(CLIENT_NO))  # none of these customers is known
    taker = start(*UPDATE, other_file, *takes_over, **lease)
    until(lambda: len(arm.records.batches()) > before or taker.poll() is not None)
    arm.behaviour.update(Behaviour())
    os.killpg(sleeper.pid, signal.SIGCONT)
    slept = Ended(sleeper.wait(timeout=120), *sleeper.communicate())
    took_over = Ended(taker.wait(timeout=120), *taker.communicate())

    assert (took_over.exit_code, took_over.json["state"]) == (0, "Completed")
    assert slept.exit_code == 1
    assert f"run {took_over.json['run_id']} has taken over" in slept.complaint
    run_id = next(run["run_id"] for run in prefect_shell("runs", "--json").json if run["customers"]["planned"] == 400)
    assert f"armrest resume {run_id}" in slept.complaint
    assert len(arm.records.batches()) == before + 3, "the sleeper sent something after the takeover"
    known = {batch.batch_uuid for batch in arm.records.batches()} - set(took_over.json["batch_uuids"])
    assert set(prefect_shell("show", run_id, "--json").json["batch_uuids"]) == known


def test_a_planner_that_slept_through_a_takeover_leaves_the_run_to_the_one_that_went_on(
    prefect_shell: Shell, start: Start, tmp_path: Path, arm: SandboxServer
) -> None:
    source, slept_on, number = tmp_path / "customers.csv", tmp_path / "slept on.csv", 60_000
    source.write_text(customers(number))
    update = ("update-customers", "customers.csv", "--client-no", str(CLIENT_NO), "--batch-size", "50", "--json")
    sleeper = start(*update, ARMREST_LEASE_SECONDS="2")
    until(lambda: in_ledger(tmp_path, "batches") and not in_ledger(tmp_path, "planned_at"))
    until(lambda: is_stopped_between_transactions(sleeper, tmp_path))
    (run,) = prefect_shell("runs", "--json").json
    source.rename(slept_on)
    source.write_text(customers(500))

    took_over = prefect_shell("resume", run["run_id"], "--wait", "30s", "--json")
    with slept_on.open("r+b") as file:  # what the sleeper has read of it is fine, and the rest is at fault
        file.seek(slept_on.stat().st_size // 2)
        file.write(b"\0" * (slept_on.stat().st_size // 2))
    os.killpg(sleeper.pid, signal.SIGCONT)
    slept = Ended(sleeper.wait(timeout=60), *sleeper.communicate())

    assert (took_over.exit_code, took_over.json["state"]) == (0, "Completed")
    shown = prefect_shell("show", run["run_id"], "--json").json
    assert {name: shown[name] for name in ("state", "message", "batch_uuids")} == {
        name: took_over.json[name] for name in ("state", "message", "batch_uuids")
    }
    assert set(shown["batch_uuids"]) == {batch.batch_uuid for batch in arm.records.batches()}
    assert len(shown["batch_uuids"]) == 10
    assert slept.exit_code != 0
    assert run["run_id"] in slept.complaint
    assert "Traceback" not in slept.complaint


def is_stopped_between_transactions(process: Command, folder: Path) -> bool:
    """Stop a process; let it go on if it is in a transaction, which nobody could take over."""
    os.killpg(process.pid, signal.SIGSTOP)
    opened = sqlite3.connect(folder / "home" / "ledger.db", timeout=0.1, isolation_level=None)
    with closing(opened) as ledger, suppress(sqlite3.OperationalError):
        ledger.execute("BEGIN IMMEDIATE").execute("ROLLBACK")
        return True
    os.killpg(process.pid, signal.SIGCONT)
    return False


def words_of(process: psutil.Process) -> list[str]:
    """Return a process' command line; none where it has ended."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def left(run: dict[str, Any]) -> str:
    return f"{run['customers']['open']} customers"


def kill(running: Command, *, when: Callable[[], Any]) -> None:
    """Kill a process and its group as soon as something is so."""
    until(when)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()


def names_in(arm: SandboxServer) -> dict[str, str]:
    return {no: record["name"] for no, record in arm.records.customers(CLIENT_NO).items()}


COUNTS = {
    "batches": "select count(*) from batches",
    "accepted": "select count(batch_uuid) from batches",
    "planned_at": "select count(planned_at) from runs",
}


def in_ledger(folder: Path, what: str) -> int:
    """Count, without waiting for whoever writes; nothing is there yet where the ledger is not."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/home/ledger.db?mode=ro", uri=True)) as ledger:
            return int(ledger.execute(COUNTS[what]).fetchone()[0])
    except sqlite3.OperationalError:
        return 0

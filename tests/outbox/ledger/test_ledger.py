"""The ledger under what can happen to a file: two processes, a full disk, damage, no rights, a clock that jumps."""

import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from sqlalchemy import Connection, create_engine, inspect, select

from armrest.outbox import (
    SENDABLE,
    Lease,
    Ledger,
    LedgerUnusable,
    Outbox,
    State,
    batches_in,
    begin,
    find_run,
    migrate_ledger,
    new_run_id,
    outcomes_of_customer,
    release_lease,
    reload,
    summaries,
    take_lease,
)
from armrest.outbox.ledger import runs
from armrest.outbox.ledger.migrations import STEPS, migrate
from tests.file_trouble import full_disk, public_folder, without_rights
from tests.outbox.conftest import API_URL, CLIENT_NO, Clock, Planned, lease_of, people, settled

ROOT = Path(__file__).parents[3]
WRITE_RUNS = f"""
import sys
from armrest.outbox import Ledger, create_run
from tests.plans import update_of
ledger = Ledger.open(sys.argv[1])
for number in range(20):
    create_run(ledger, run_id=f"{{sys.argv[2]}}-{{number}}", api_url="{API_URL}", client_no=1, mode="update",
               user_id="ola", source="c.csv", request=update_of())
print(ledger.fingerprint_key.hex())
"""


_TO_CLOSE = ExitStack()


def opened(path: Path | str) -> Ledger:
    """Open a ledger, by its file or its address, until the end of the test."""
    ledger = Ledger.open(path if isinstance(path, str) else f"sqlite:///{path}")
    _TO_CLOSE.callback(ledger.close)
    return ledger


@pytest.fixture(autouse=True)
def _closed_at_the_end() -> Iterator[None]:
    with _TO_CLOSE:
        yield


@pytest.fixture
def folder() -> Iterator[Path]:
    with public_folder() as folder:
        yield folder


def test_processes_that_open_a_new_ledger_at_once_share_it(ledger_url: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE_RUNS, ledger_url, name], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two", "three")
    ]
    keys = {writer.communicate(timeout=400)[0] for writer in writers}

    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert len(keys) == 1
    assert len(summaries(opened(ledger_url))) == 60


def test_a_new_ledger_that_another_process_is_making_is_waited_for(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        done.start()
        opened(tmp_path / "ledger.db").close()
        done.join()


@pytest.mark.usefixtures("sqlite_only")
def test_nothing_may_leave_whose_intent_cannot_be_written(outbox: Outbox, planned: Planned) -> None:
    run = planned("run", people(1))
    lease = lease_of(outbox, run)
    [batch] = batches_in(outbox.ledger, run, SENDABLE)

    with full_disk(), pytest.raises(LedgerUnusable, match="cannot be used: disk I/O error; nothing is sent without it"):
        begin(outbox, run, batch, lease, ghost_horizon_seconds=3600)

    assert reload(outbox.ledger, batch) == batch
    assert begin(outbox, run, batch, lease, ghost_horizon_seconds=3600) is not None


def test_a_folder_that_may_not_be_written_is_told(folder: Path) -> None:
    folder.chmod(0o555)

    with without_rights(), pytest.raises(LedgerUnusable, match="unable to open database file; nothing is sent"):
        opened(folder / "ledger.db")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(
        LedgerUnusable, match=r"the ledger's folder .*/file cannot be created: (File exists|Not a directory)"
    ):
        opened(tmp_path / "file" / "ledger.db")


def test_a_file_that_may_not_be_written_is_told(folder: Path) -> None:
    opened(folder / "ledger.db").close()
    (folder / "ledger.db").chmod(0o444)
    folder.chmod(0o555)

    with without_rights(), pytest.raises(LedgerUnusable, match="readonly database; nothing is sent"):
        opened(folder / "ledger.db")


def test_a_file_that_is_no_database_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"customerNo;name\n10001;Kari\n" * 100)

    with pytest.raises(LedgerUnusable, match="cannot be used: file is not a database"):
        opened(path)

    assert path.read_bytes() == b"customerNo;name\n10001;Kari\n" * 100
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.db"]


@pytest.mark.usefixtures("sqlite_only")
def test_a_damaged_database_is_told_and_not_written_to(outbox: Outbox, planned: Planned, tmp_path: Path) -> None:
    planned("run", people(*range(2000)), batch_size=10)
    outbox.close()
    path = tmp_path / "ledger.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[: 4096 * 30] + b"\x00" * (len(whole) - 4096 * 30))
    damaged = path.read_bytes()

    with pytest.raises(LedgerUnusable, match="cannot be used: database disk image is malformed"):
        list(outcomes_of_customer(opened(path), CLIENT_NO, "1999"))

    assert path.read_bytes() == damaged


def test_a_ledger_of_a_newer_version_is_told_and_left_alone(outbox: Outbox) -> None:
    with outbox.ledger.write() as tx:
        tx.exec_driver_sql("UPDATE facts SET value = '99' WHERE name = 'schema_version'")

    with pytest.raises(LedgerUnusable, match="has schema version 99, this program knows 4: use a newer armrest-flows"):
        Ledger.open(outbox.ledger.name)


def test_opening_it_again_changes_nothing(outbox: Outbox) -> None:
    again = opened(outbox.ledger.name)

    assert again.fingerprint_key == outbox.ledger.fingerprint_key


def test_an_older_ledger_is_brought_to_this_version_once_and_a_new_one_needs_no_step(tmp_path: Path) -> None:
    taken: list[str] = []
    old, new = create_engine(f"sqlite:///{tmp_path}/old.db"), create_engine(f"sqlite:///{tmp_path}/new.db")
    _TO_CLOSE.callback(old.dispose)
    _TO_CLOSE.callback(new.dispose)
    migrate(old, [])
    for _ in range(2):
        migrate(old, [lambda _: taken.append("1 to 2"), lambda _: taken.append("2 to 3")])
        migrate(new, [lambda _: taken.append("none")])

    assert taken == ["1 to 2", "2 to 3"]


NEW_IN_VERSION_3 = ("stopped_by", "plan_attempt", "dry_run", "reported_at", "read_order")
NEW_INDEXES_IN_VERSION_3 = (
    "batches_by_state",
    "batches_by_data",
    "batches_by_sending",
    "batches_in_doubt",
    "runs_by_state",
)


def test_the_index_of_batches_in_doubt_holds_no_others(outbox: Outbox, ledger_url: str) -> None:
    definition = (
        "SELECT sql FROM sqlite_master WHERE name = 'batches_in_doubt'"
        if ledger_url.startswith("sqlite")
        else "SELECT indexdef FROM pg_indexes WHERE indexname = 'batches_in_doubt'"
    )
    with outbox.ledger.read() as tx:
        assert re.search(r"WHERE \(?doubtful = 1\)?$", tx.exec_driver_sql(definition).scalar_one())


def as_version_2(ledger: Ledger) -> None:
    """Make a ledger what version 2 wrote."""
    with ledger.write() as tx:
        for column in NEW_IN_VERSION_3:
            tx.exec_driver_sql(f"ALTER TABLE runs DROP COLUMN {column}")
        tx.exec_driver_sql("ALTER TABLE clients DROP COLUMN token")
        tx.exec_driver_sql("DROP TABLE confirmations")
        tx.exec_driver_sql("DROP TABLE current_lines")
        tx.exec_driver_sql("DROP TABLE archived")
        tx.exec_driver_sql("DROP TABLE profiles")
        for index in NEW_INDEXES_IN_VERSION_3:
            tx.exec_driver_sql(f"DROP INDEX {index}")
        for table in ("customers", "rejects"):
            tx.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN customer_key")
            tx.exec_driver_sql(f"CREATE INDEX {table}_by_number ON {table} (client_id, lower(customer_no))")
        tx.exec_driver_sql("CREATE INDEX batches_by_client_and_state ON batches (client_id, state)")
        tx.exec_driver_sql("UPDATE facts SET value = '2' WHERE name = 'schema_version'")


def test_a_ledger_of_version_2_gets_the_columns_and_the_table_of_version_3(outbox: Outbox) -> None:
    as_version_2(outbox.ledger)

    tables = inspect(opened(outbox.ledger._engine.url.render_as_string(hide_password=False))._engine)

    assert set(NEW_IN_VERSION_3) <= {column["name"] for column in tables.get_columns("runs")}
    assert "token" in {column["name"] for column in tables.get_columns("clients")}
    assert "confirmations" in tables.get_table_names()


def test_the_plans_of_a_ledger_of_version_2_stay_plans_and_its_runs_stay_runs(outbox: Outbox, planned: Planned) -> None:
    planned("plan", people(1), dry_run=True)
    run = planned("run", people(1))
    planned("rerun", people(1), parent=run)
    as_version_2(outbox.ledger)

    ledger = opened(outbox.ledger._engine.url.render_as_string(hide_password=False))

    with ledger.read() as tx:
        assert dict(map(tuple, tx.execute(select(runs.c.run_id, runs.c.dry_run)))) == {"plan": 1, "run": 0, "rerun": 0}
    assert find_run(ledger, "plan").request.dry_run


def test_a_large_ledger_is_migrated_only_when_a_person_asks_for_it(outbox: Outbox, planned: Planned) -> None:
    planned("run", people(1, 2, 3))
    as_version_2(outbox.ledger)
    engine, copies = outbox.ledger._engine, []

    with pytest.raises(LedgerUnusable, match=r"over 2 lines: run `armrest ledger migrate` once"):
        migrate(engine, most_lines=2)
    versions = migrate_ledger(engine.url.render_as_string(hide_password=False), copies.append)

    assert (versions, len(copies)) == ((2, 4), 1)
    assert migrate(engine, most_lines=2) == (4, 4)


def test_a_large_ledger_of_version_3_is_migrated_when_it_is_opened(outbox: Outbox, planned: Planned) -> None:
    planned("run", people(1, 2, 3))
    engine = outbox.ledger._engine
    with outbox.ledger.write() as tx:
        tx.exec_driver_sql("DROP TABLE profiles")
        tx.exec_driver_sql("UPDATE facts SET value = '3' WHERE name = 'schema_version'")

    assert migrate(engine, most_lines=2) == (3, 4)
    assert "profiles" in inspect(engine).get_table_names()


def test_a_ledger_is_not_migrated_while_an_older_program_sends(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    run = planned("run", people(1))
    clock.seconds = time.time()
    lease = lease_of(outbox, run)
    as_version_2(outbox.ledger)

    with pytest.raises(LedgerUnusable, match="run run of client 2218 still holds its client with it"):
        migrate(outbox.ledger._engine)

    release_lease_of_version_2(outbox.ledger, lease)
    assert migrate(outbox.ledger._engine) == (2, 4)


def release_lease_of_version_2(ledger: Ledger, lease: Lease) -> None:
    """Release a client as the older program does."""
    with ledger.write() as tx:
        tx.exec_driver_sql(f"UPDATE clients SET holder_run_id = NULL, lapses_at = NULL WHERE epoch = {lease.epoch}")


def test_a_step_that_fails_leaves_nothing_of_it(tmp_path: Path) -> None:
    opened(tmp_path / "ledger.db").close()
    engine = opened(tmp_path / "ledger.db")._engine

    def fail(tx: Connection) -> None:
        tx.exec_driver_sql("CREATE TABLE half (done INTEGER)")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        migrate(engine, [*STEPS, fail])

    assert "half" not in inspect(engine).get_table_names()
    migrate(engine)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_sqlite_on_a_network_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    mounts = [SimpleNamespace(mountpoint="/", fstype="ext4"), SimpleNamespace(mountpoint=str(tmp_path), fstype=kind)]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: mounts)

    with pytest.raises(
        LedgerUnusable, match=rf"on a network share \({kind}\).*or set ARMREST_LEDGER_URL to PostgreSQL"
    ):
        opened(tmp_path / "home" / "ledger.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "ledger.db", "nosuch://x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(LedgerUnusable, match=r"a ledger in memory forgets|ARMREST_LEDGER_URL is not a ledger URL"):
        Ledger.open(url)


def test_no_password_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnusable) as told:
        Ledger.open("postgresql+psycopg://ola:secret@127.0.0.1:1/ledger")

    assert "secret" not in str(told.value)


def test_what_was_sent_later_stays_newer_when_the_clock_jumps_back(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    old = planned("old", people(1, name="Old"))
    clock.seconds -= 86_400
    settled(outbox, planned("new", people(1, name="New")))
    lease = lease_of(outbox, old)

    assert begin(outbox, old, batches_in(outbox.ledger, old, SENDABLE)[0], lease, ghost_horizon_seconds=3600) is None

    assert [(one.run_id, one.outcome) for one in outcomes_of_customer(outbox.ledger, CLIENT_NO, "1")] == [
        ("new", "updated"),
        ("old", "superseded"),
    ]
    assert [run.run_id for run in summaries(outbox.ledger)] == ["new", "old"]


def test_a_batch_without_an_answer_holds_its_customers_when_the_clock_jumps_back(
    outbox: Outbox, planned: Planned, clock: Clock
) -> None:
    first, second = planned("first", people(1)), planned("second", people(1))
    lease = lease_of(outbox, first)
    begin(outbox, first, batches_in(outbox.ledger, first, SENDABLE)[0], lease, ghost_horizon_seconds=3600)
    release_lease(outbox.ledger, lease)
    clock.seconds -= 86_400

    lease = lease_of(outbox, second)
    begin(outbox, second, batches_in(outbox.ledger, second, SENDABLE)[0], lease, ghost_horizon_seconds=3600)

    assert [batch.state for batch in batches_in(outbox.ledger, second, list(State))] == [State.HELD]


def test_a_run_has_an_id_of_its_own_at_the_same_second(clock: Clock) -> None:
    assert len({new_run_id(1, clock()) for _ in range(3000)}) == 3000


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    opened(tmp_path / "home" / "ledger.db").close()

    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_a_lease_is_given_back_after_the_clock_has_jumped_back(outbox: Outbox, planned: Planned, clock: Clock) -> None:
    lease = lease_of(outbox, planned("first", people(1)))
    clock.seconds -= 86_400
    release_lease(outbox.ledger, lease)

    assert take_lease(outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, run_id="second", seconds=60)
    assert find_run(outbox.ledger, "first").run_id == "first"


@pytest.mark.usefixtures("sqlite_only")
def test_a_driver_that_says_nothing_is_told_by_the_kind_of_its_error(outbox: Outbox) -> None:
    with (
        pytest.raises(LedgerUnusable, match="cannot be used: OperationalError; nothing is sent"),
        outbox.ledger.write(),
    ):
        raise sqlite3.OperationalError(" \n")


@pytest.mark.usefixtures("sqlite_only")
def test_a_commit_waits_for_the_disk(outbox: Outbox) -> None:
    full = 2  # https://sqlite.org/pragma.html#pragma_synchronous

    with outbox.ledger.driver() as connection:
        settings = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]

    assert settings == [full, "wal"]

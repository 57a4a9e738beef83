"""A copy of the ledger: of one moment, for its owner alone, whole or not there."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from armrest.outbox import BackupRefused, Outbox, back_up, create_run, outcomes_of_run
from tests.file_trouble import damaged_copy, full_disk, synced_sizes
from tests.outbox.conftest import API_URL, CLIENT_NO, Planned, people, settled
from tests.plans import update_of

pytestmark = pytest.mark.usefixtures("sqlite_only")


def new_run(outbox: Outbox, run_id: str) -> None:
    words = {"api_url": API_URL, "client_no": CLIENT_NO, "mode": "update", "user_id": "ola", "source": "customers.csv"}
    create_run(outbox.ledger, run_id=run_id, request=update_of(), **words)


def test_the_copy_opens_as_a_ledger_with_all_that_was_committed(
    outbox: Outbox, planned: Planned, tmp_path: Path
) -> None:
    run = planned("run", people(1, 2))
    settled(outbox, run, failed={"2"})

    size = back_up(outbox.ledger, tmp_path / "copy.db")

    assert size == (tmp_path / "copy.db").stat().st_size
    with Outbox.open(f"sqlite:///{tmp_path}/copy.db", str(tmp_path / "bodies")) as copy:
        assert list(outcomes_of_run(copy.ledger, run)) == list(outcomes_of_run(outbox.ledger, run))
        assert copy.ledger.short_id == outbox.ledger.short_id


def test_the_copy_is_one_file_for_its_owner_alone_and_on_the_disk(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()

    with synced_sizes(monkeypatch) as on_disk:
        size = back_up(outbox.ledger, folder / "copy.db")

    assert [file.name for file in folder.iterdir()] == ["copy.db"]
    assert (folder / "copy.db").stat().st_mode & 0o777 == 0o600
    assert size in on_disk.values()


def test_a_copy_that_is_made_while_runs_write_holds_whole_transactions(outbox: Outbox, tmp_path: Path) -> None:
    stop = threading.Event()

    def write_on() -> None:
        number = 0
        while not stop.is_set():
            with outbox.ledger.transaction() as ledger:
                for part in ("a", "b"):
                    new_run(Outbox(ledger, outbox.bodies), f"{number}{part}")
            number += 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for number in range(20):
            back_up(outbox.ledger, tmp_path / f"{number}.db")
    finally:
        stop.set()
        writer.join()

    counts = []
    for number in range(20):
        with closing(sqlite3.connect(tmp_path / f"{number}.db")) as copy:
            counts.append(copy.execute("SELECT count(*) FROM runs").fetchone()[0])
    assert all(count % 2 == 0 for count in counts)
    assert counts[-1] > counts[0]


def test_a_file_that_is_there_is_not_replaced(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("the last good copy")

    with pytest.raises(BackupRefused, match=r"copy\.db exists already: name a new file for the copy$"):
        back_up(outbox.ledger, tmp_path / "copy.db")

    assert (tmp_path / "copy.db").read_text() == "the last good copy"


def test_a_copy_that_cannot_be_written_leaves_nothing(outbox: Outbox, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match=r"cannot be written: No such file or directory$"):
        back_up(outbox.ledger, tmp_path / "nowhere" / "copy.db")
    folder = tmp_path / "copies"
    folder.mkdir()

    with full_disk(), pytest.raises(BackupRefused, match="cannot be copied to"):
        back_up(outbox.ledger, folder / "copy.db")

    assert list(folder.iterdir()) == []


def test_a_damaged_ledger_is_not_copied(outbox: Outbox, planned: Planned, tmp_path: Path) -> None:
    planned("run", people(*range(500)))
    outbox.ledger.close()
    damaged = damaged_copy(tmp_path / "ledger.sqlite", tmp_path / "damaged.db")
    with (
        Outbox.open(f"sqlite:///{damaged}", str(tmp_path / "bodies")) as broken,
        pytest.raises(BackupRefused, match=r"is damaged|malformed"),
    ):
        back_up(broken.ledger, tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()

"""A purge removes bodies and lists of runs that the ledger does not know: of this ledger, and after a safe age."""

import os
from pathlib import Path

from armrest.outbox import Outbox, Purged, new_run_id, purge
from tests.outbox.conftest import CLIENT_NO, Clock, Planned, people

DAY = 86_400.0


def write_body(outbox: Outbox, run_id: str, *, age: float) -> Path:
    """Write a body of a run, as old as that at the clock of the ledger."""
    with outbox.bodies.writer(run_id) as writer:
        writer.write(b"Kari")
    file = Path(outbox.bodies.name, writer.files[0])
    os.utime(file, (outbox.ledger.now() - age,) * 2)
    return file


def test_bodies_of_unknown_runs_go_once_they_are_old_enough(outbox: Outbox) -> None:
    old, young = write_body(outbox, "old", age=31 * DAY), write_body(outbox, "young", age=29 * DAY)

    asked = purge(outbox, older_than_seconds=30 * DAY, dry_run=True)
    assert (asked, old.exists()) == (Purged(unknown_runs=1), True)
    done = purge(outbox, older_than_seconds=30 * DAY)

    assert (done, old.parent.exists(), young.exists()) == (Purged(unknown_runs=1), False, True)
    assert "folders of runs that the ledger does not know: 1" in done.message


def test_they_stay_for_a_day_however_short_the_age(outbox: Outbox) -> None:
    file = write_body(outbox, "new", age=DAY - 1)

    assert purge(outbox, older_than_seconds=0, force=True) == Purged()
    assert file.exists()


def test_bodies_that_do_not_name_this_ledger_stay(outbox: Outbox, clock: Clock, tmp_path: Path) -> None:
    with Outbox.open(f"sqlite:///{tmp_path}/other.db", outbox.bodies.name, now=clock) as other:
        foreign = write_body(other, "foreign", age=31 * DAY)
    file = write_body(outbox, "mixed", age=31 * DAY)
    earlier_version = file.with_name("00000-01234567.bodies")
    earlier_version.write_bytes(b"Kari")
    os.utime(earlier_version, (0, 0))

    assert purge(outbox, older_than_seconds=30 * DAY) == Purged()
    assert [path.exists() for path in (foreign, file, earlier_version)] == [True] * 3


def test_bodies_of_runs_that_the_ledger_knows_are_not_taken_for_leftovers(outbox: Outbox, planned: Planned) -> None:
    planned("run", people(1))
    [file] = Path(outbox.bodies.name, "run").iterdir()
    os.utime(file, (0, 0))

    assert purge(outbox, older_than_seconds=30 * DAY) == Purged()
    assert file.exists()


def test_lists_of_unknown_runs_go_by_the_age_of_the_file(outbox: Outbox, tmp_path: Path) -> None:
    folder, run_id = tmp_path / "rejects", new_run_id(CLIENT_NO, 0)
    folder.mkdir()
    names = (f"{run_id}.csv", f"{run_id}-2.csv", f"{run_id}-2-vanished.csv", "notes.csv", f"{run_id[:-4]}.csv")
    for name in names:
        (folder / name).write_text("customerNo\n")
        os.utime(folder / name, (outbox.ledger.now() - 31 * DAY,) * 2)
    young = folder / f"{new_run_id(CLIENT_NO, 1)}.csv"
    young.write_text("customerNo\n")
    os.utime(young, (outbox.ledger.now() - 29 * DAY,) * 2)

    asked = purge(outbox, older_than_seconds=30 * DAY, dry_run=True, rejects_folder=str(folder))
    assert (asked.rejects_files, len(list(folder.iterdir()))) == (4, 6)
    done = purge(outbox, older_than_seconds=30 * DAY, rejects_folder=str(folder))

    assert done.rejects_files == 4
    assert {file.name for file in folder.iterdir()} == {"notes.csv", young.name}

"""`armrest purge`: what holds personal data goes, what can be told of it stays. No Prefect."""

import os
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Typed
from tests.cli.past import Past


def bodies(past: Past) -> list[Path]:
    return list((past.home / "bodies").rglob("*.bodies"))


def test_bodies_of_settled_batches_go_and_the_run_can_still_be_told(typed: Typed, past: Past) -> None:
    past.run("mine")

    ended = typed("purge", "--older-than", "0s", "--json")

    assert (ended.exit_code, ended.json["batches"], ended.json["kept"]) == (0, 2, 0)
    assert bodies(past) == []
    shown = typed("show", "mine", "--json").json
    assert (shown["state"], shown["customers"]["settled"], shown["batch_uuids"]) == (
        "Completed",
        4,
        ["mine-1", "mine-2"],
    )
    assert typed("customer", "10001", "--client-no", "2218", "--json").json["runs"][0]["outcome"] == "updated"


def test_what_is_young_stays(typed: Typed, past: Past) -> None:
    past.run("mine")

    ended = typed("purge", "--json")  # 30 days, if nothing else is said

    assert (ended.exit_code, ended.json["batches"]) == (0, 0)
    assert len(bodies(past)) == 1


def test_what_is_open_or_failed_goes_by_force_only(typed: Typed, past: Past) -> None:
    past.run("failed", failed={"10001"})
    past.run("open", settled=False, first=10011)

    kept, forced = typed("purge", "--older-than", "0s"), typed("purge", "--older-than", "0s", "--force", "--json")

    assert kept.out.endswith("; kept, as open or failed: 3\n")
    assert (forced.json["batches"], forced.json["kept"], bodies(past)) == (3, 0, [])


@pytest.mark.parametrize("name", ["drift", "exports"])
def test_old_files_of_a_folder_go_and_young_ones_stay(typed: Typed, past: Past, name: str) -> None:
    folder = past.home / name
    folder.mkdir(parents=True)
    for file, at in (("old.csv", 0), ("young.csv", time.time())):
        (folder / file).write_text("customerNo\n")
        os.utime(folder / file, (at, at))

    typed("purge", "--dry-run")
    assert len(list(folder.iterdir())) == 2
    typed("purge")
    assert [file.name for file in folder.iterdir()] == ["young.csv"]


def test_a_dry_run_removes_nothing(typed: Typed, past: Past) -> None:
    past.run("mine")

    ended = typed("purge", "--older-than", "0s", "--dry-run")

    assert ended.out.startswith("Would remove bodies: 2 (")
    assert len(bodies(past)) == 1


def test_a_resume_of_what_was_purged_before_it_was_sent_is_refused(typed: Typed, past: Past) -> None:
    past.run("mine", sent=1, settled=False)
    typed("purge", "--older-than", "0s", "--force")

    ended = typed("resume", "mine")

    assert ended.exit_code == 2
    assert ended.complaint == ("armrest: batch 2 of run mine was purged before it was settled: send its source again")


def test_a_time_that_is_none_is_refused(typed: Typed) -> None:
    ended = typed("purge", "--older-than", "a month")

    assert ended.exit_code == 2
    assert "--older-than" in ended.complaint


def test_what_a_crash_cut_short_goes_too(typed: Typed, past: Past) -> None:
    for folder in (past.home / "drift", past.home / "rejects"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, at in ((".old.csv.writing", 0), (".young.csv.writing", time.time())):
            (folder / name).write_text("customerNo\n")
            os.utime(folder / name, (at, at))

    typed("purge")

    assert [file.name for file in (past.home / "drift").iterdir()] == [".young.csv.writing"]
    assert [file.name for file in (past.home / "rejects").iterdir()] == [".young.csv.writing"]

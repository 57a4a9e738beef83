"""`armrest ledger`: a copy, and whether ledger and bodies belong together. No Prefect; nothing is sent."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from armrest.outbox import Ledger
from tests.cli.conftest import Typed
from tests.cli.past import Past
from tests.outbox.ledger.test_ledger import as_version_2
from tests.postgres import Cluster


def test_a_backup_says_what_else_has_to_be_copied_and_in_which_order(typed: Typed, past: Past, tmp_path: Path) -> None:
    past.run("mine")

    ended = typed("ledger", "backup", "copy.db")

    assert ended.exit_code == 0
    first, second, third = ended.out.splitlines()
    size = (tmp_path / "copy.db").stat().st_size
    assert first.startswith(f"Copied the ledger to copy.db ({size:,} bytes). ")
    assert [second.split(), third.split()] == [
        ["first", str(past.home / "bodies")],
        ["then", str(past.home / "rejects")],
    ]


def test_a_backup_over_another_is_refused(typed: Typed, past: Past) -> None:
    past.run("mine")
    typed("ledger", "backup", "copy.db")

    again = typed("ledger", "backup", "copy.db", "--json")

    assert (again.exit_code, again.json["state"]) == (2, "Failed")
    assert again.complaint == "armrest: copy.db exists already: name a new file for the copy"


def test_a_ledger_on_postgresql_names_the_command_that_copies_it(
    typed: Typed, postgres: Cluster, tmp_path: Path
) -> None:
    ended = typed("ledger", "backup", "copy.dump", ARMREST_LEDGER_URL=postgres.new_database())

    assert ended.exit_code == 2
    assert "run pg_dump --format=custom --file=copy.dump --dbname=postgresql://armrest@127.0.0.1" in ended.complaint
    assert not (tmp_path / "copy.dump").exists()


def test_a_ledger_and_bodies_that_belong_together_are_0(typed: Typed, past: Past) -> None:
    past.run("mine", failed={"10001"}, settled=False, sent=1)

    ended, as_json = typed("ledger", "check"), typed("ledger", "check", "--json")

    assert (ended.exit_code, ended.out) == (0, "The ledger and the store belong together\n")
    assert as_json.json["findings"] == []


@pytest.mark.parametrize("word", ["Kunde", "10001"])
def test_what_needs_action_is_1_with_a_line_each_and_nothing_of_a_customer(typed: Typed, past: Past, word: str) -> None:
    past.run("mine", settled=False, sent=1)
    [file] = (past.home / "bodies" / "mine").iterdir()
    file.write_bytes(file.read_bytes()[:-1])

    ended, as_json = typed("ledger", "check"), typed("ledger", "check", "--json")

    assert ended.exit_code == as_json.exit_code == 1
    line, last = ended.out.splitlines()
    assert line.startswith("✗ batch 2 of run mine (PLANNED): mine/00000-")
    assert last == "1 of 1 finding to act on"
    [finding] = as_json.json["findings"]
    assert (finding["code"], finding["run_id"], finding["batch"]) == ("body-short", "mine", 2)
    assert word not in ended.out


def test_bodies_of_another_ledger_are_named_and_are_no_fault(typed: Typed, past: Past) -> None:
    past.run("mine")
    folder = past.home / "bodies" / "theirs"
    folder.mkdir()
    (folder / "00000-01234567.bodies").write_bytes(b"{}")

    ended = typed("ledger", "check")

    assert ended.exit_code == 0
    assert ended.out.startswith("· run theirs has bodies in the store that do not name this ledger: ")


def test_a_ledger_of_an_older_version_is_copied_and_migrated(typed: Typed, past: Past, tmp_path: Path) -> None:
    past.run("mine")
    with closing(Ledger.open(f"sqlite:///{past.home}/ledger.db")) as ledger:
        as_version_2(ledger)

    refused, ended = typed("ledger", "migrate"), typed("ledger", "migrate", "--backup", "old.db", "--json")

    assert (refused.exit_code, ended.exit_code) == (2, 0)
    assert refused.complaint.endswith("--backup FILE, or say --without-backup")
    assert (ended.json["from"], ended.json["to"]) == (2, 4)
    with closing(sqlite3.connect(tmp_path / "old.db")) as copy:
        assert copy.execute("SELECT value FROM facts WHERE name = 'schema_version'").fetchall() == [("2",)]
    assert typed("ledger", "migrate", "--without-backup").out == "Nothing to migrate\n"
    assert typed("ledger", "check").exit_code == 0

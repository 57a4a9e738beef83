"""A ledger that cannot be used is told in one line, and nothing is sent."""

from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.cli.past import Past
from tests.file_trouble import public_folder, without_rights

COMMANDS = [
    ("runs",),
    ("show", "mine"),
    ("customer", "10001", "--client-no", "2218"),
    ("export", "mine", "-o", "x.csv"),
    ("purge",),
    ("settle",),
    ("ledger", "check"),
    ("ledger", "backup", "copy.db"),
    ("rerun", "mine"),
    ("resume", "mine"),
    ("update-customers", "c.csv", "--client-no", "2218", "--dry-run"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: "-".join(words[:2]))
def test_a_ledger_of_a_newer_version(
    typed: Typed, past: Past, arm: SandboxServer, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "c.csv").write_text("customerNo,name\n1,Kari\n")
    past.run("mine", failed={"10001"})
    with past.outbox() as outbox, outbox.ledger.write() as tx:
        tx.exec_driver_sql("UPDATE facts SET value = '99' WHERE name = 'schema_version'")

    ended = typed(*words)

    assert ended.exit_code == 2
    assert ended.err.count("\n") == 1
    assert "the ledger has schema version 99, this program knows 4: use a newer armrest-flows" in ended.complaint
    assert not arm.sandbox.answers


def test_a_damaged_ledger(typed: Typed, past: Past) -> None:
    past.home.mkdir()
    (past.home / "ledger.db").write_text("not a database, whatever its name says" * 100)

    ended = typed("runs", "--json")

    assert (ended.exit_code, ended.json["state"]) == (2, "Failed")
    assert "ledger.db cannot be used: file is not a database" in ended.complaint


def test_a_home_that_may_not_be_written(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    with public_folder() as folder:
        folder.chmod(0o555)
        monkeypatch.chdir(folder)
        with without_rights():
            made, used = typed("runs", ARMREST_HOME=str(folder / "home")), typed("runs", ARMREST_HOME=str(folder))
        monkeypatch.chdir("/")

    assert made.exit_code == used.exit_code == 2
    assert "cannot be created: Permission denied" in made.complaint
    assert "unable to open database file" in used.complaint


def test_a_ledger_on_a_server_that_is_not_there(typed: Typed) -> None:
    ended = typed("runs", ARMREST_LEDGER_URL="postgresql+psycopg://ola:secret@127.0.0.1:1/ledger")

    assert ended.exit_code == 2
    assert "secret" not in ended.err

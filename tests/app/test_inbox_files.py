"""What lies in the inbox, without Prefect."""

import os
from pathlib import Path

import pytest

from armrest.app.environment import SettingsRefused
from armrest.app.environment_check import environment_finding
from armrest.app.inbox_files import count_unchecked, read_inbox
from armrest.outbox import create_run
from tasks.open_workspace import use_workspace
from tests.conftest import CLIENT_NO
from tests.plans import update_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    inbox = tmp_path / "inbox"
    (inbox / "2218" / "deep").mkdir(parents=True)
    (inbox / ".hidden").mkdir()
    files = ("a.csv", "b.csv", "2218/may.csv", "2218/deep/june.csv", ".hidden/c.csv", ".d.csv")
    for age, name in enumerate(files, start=1):
        (inbox / name).write_text("customerNo\n", encoding="utf-8")
        os.utime(inbox / name, (1_700_000_000 - age, 1_700_000_000 - age))
    (inbox / "link.csv").symlink_to(inbox / "a.csv")
    monkeypatch.setenv("ARMREST_INBOX", str(inbox))
    return inbox


def read(*sources: str) -> dict[str, bool]:
    """Return each file and whether a run has checked it, after runs of these sources."""
    with use_workspace() as workspace:
        for number, source in enumerate(sources):
            create_run(
                workspace.outbox.ledger,
                run_id=f"run-{number}",
                api_url="https://arm.test",
                client_no=CLIENT_NO,
                mode="update",
                user_id="ola",
                source=Path(source).name,
                request=update_of(source=source, batch_size=1, max_body_bytes=1000),
            )
        files = read_inbox(workspace.settings, workspace.outbox.ledger)
    assert count_unchecked(files) == sum(not file.is_checked for file in files)
    return {file.name: file.is_checked for file in files}


def test_files_come_newest_first_without_links_and_hidden_ones(folder: Path) -> None:
    assert folder
    assert list(read()) == ["a.csv", "b.csv", "2218/may.csv", "2218/deep/june.csv"]


def test_a_file_is_checked_by_a_run_of_itself_of_its_folder_or_of_a_glob(folder: Path) -> None:
    assert read(str(folder / "a.csv"), str(folder / "2218" / "deep"), str(folder / "2218" / "m*.csv")) == {
        "a.csv": True,
        "b.csv": False,
        "2218/may.csv": True,
        "2218/deep/june.csv": True,
    }


def test_a_file_that_is_written_after_its_run_is_not_checked(folder: Path) -> None:
    os.utime(folder / "a.csv", (4_000_000_000, 4_000_000_000))

    assert read(str(folder / "a.csv"))["a.csv"] is False


def test_a_folder_that_is_missing_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMREST_INBOX", str(folder / "nowhere"))

    with pytest.raises(SettingsRefused, match="nowhere is not a folder: create it, or name another"):
        read()


def test_a_worker_has_an_environment_if_anything_but_the_pools_clients_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert environment_finding().verdict == "fine"

    for name in [name for name in os.environ if name.startswith("ARMREST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARMREST_CLIENTS", "2218")
    alone = environment_finding()
    (tmp_path / ".env").write_text("ARMREST_USER_ID=ola\n", encoding="utf-8")

    assert alone.verdict == "trouble"
    assert "no ARMREST_ setting but ARMREST_CLIENTS" in alone.said
    assert environment_finding().verdict == "fine"

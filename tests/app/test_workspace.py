"""Settings become an outbox, a client of ARM, an engine, or one line that says what is wrong."""

import stat
from pathlib import Path

import pytest

from armrest.api import ClientCredentials, FixedToken
from armrest.app.environment import SettingsRefused
from armrest.app.workspace import arm_client, tokens
from tasks.connections import load_settings
from tasks.open_workspace import use_workspace


def test_the_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    with use_workspace() as here:
        folders = [tmp_path / "home", here.rejects_folder]

    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700, 0o700]
    assert (tmp_path / "home" / "ledger.db").exists()


def test_one_connection_serves_all_who_ask_within_it() -> None:
    with use_workspace() as outer, use_workspace() as inner:
        assert inner is outer


def test_a_home_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ARMREST_HOME", str(tmp_path / "file" / "home"))

    with pytest.raises(SettingsRefused, match=r"ARMREST_HOME: the folder .* cannot be created"), use_workspace():
        pass


def test_every_setting_at_fault_is_named_and_no_value_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMREST_BATCH_SIZE", "plenty")
    monkeypatch.setenv("ARMREST_API_URL", "https://user:secret@api.example.no")

    with pytest.raises(SettingsRefused) as refused:
        load_settings()

    assert "ARMREST_BATCH_SIZE" in str(refused.value)
    assert "ARMREST_API_URL: must not hold a user name" in str(refused.value)
    assert "plenty" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_token_wins_over_a_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"ARMREST_IDENTITY_{name}", "https://auth.example.no")
    assert isinstance(tokens(load_settings()), FixedToken)

    monkeypatch.setenv("ARMREST_TOKEN", "")
    assert isinstance(tokens(load_settings()), ClientCredentials)


def test_a_run_is_not_sent_to_another_address_than_it_was_planned_for() -> None:
    with pytest.raises(SettingsRefused, match=r"planned for https://api\.example\.no"):
        arm_client(load_settings(), api_url="https://api.example.no")


def test_a_client_that_is_not_listed_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMREST_CLIENTS", "19,20")

    with pytest.raises(SettingsRefused, match=r"^client 2218 is not in the list of ARMREST_CLIENTS: 19, 20$"):
        arm_client(load_settings(), client_no=2218)
    assert arm_client(load_settings(), client_no=19)


def test_settings_that_allow_no_updates_send_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMREST_ALLOW_UPDATES", "false")

    with pytest.raises(SettingsRefused, match=r"^nothing is sent: ARMREST_ALLOW_UPDATES allows no updates; "):
        arm_client(load_settings(), updates=True)
    assert arm_client(load_settings())

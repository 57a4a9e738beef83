"""A connection to a stand-in of ARM, as a program would make one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import armrest
from armrest.sandbox import SandboxServer

CLIENT_NO = 2218


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings of this machine, and a folder without `.env`."""
    for name in ("API_URL", "TOKEN", "HOME", "CONNECTION", "CLIENTS"):
        monkeypatch.delenv(f"ARMREST_{name}", raising=False)
    monkeypatch.setenv("ARMREST_HOME", str(tmp_path / "another-home"))
    monkeypatch.chdir(tmp_path)
    return iter([None])


@pytest.fixture
def connection(arm: SandboxServer, tmp_path: Path) -> armrest.Connection:
    return armrest.connect(
        api_url=arm.api_url, token=arm.token, home=tmp_path / "home", user_id="ola.nordmann", poll_first_seconds=0.05
    )


def customers(number: int, **columns: Any) -> pd.DataFrame:
    """A frame of this number of customers, numbered from 10001."""
    numbers = [str(no) for no in range(10001, 10001 + number)]
    return pd.DataFrame({"customerNo": numbers, "name": [f"Kunde {no}" for no in numbers], **columns})

"""A client's nights in a ledger, made by real runs against the sandbox."""

from pathlib import Path

import pandas as pd
import pytest

import armrest
from armrest.sandbox import SandboxServer

CLIENT_NO = 2218


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def connection(arm: SandboxServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> armrest.Connection:
    monkeypatch.chdir(home.parent)
    return armrest.connect(
        api_url=arm.api_url, token=arm.token, home=home, user_id="ola.nordmann", poll_first_seconds=0.05, batch_size=5
    )


def people(number: int) -> pd.DataFrame:
    """A frame of this number of customers, numbered from 10001; one more has no number, so it is rejected."""
    numbers = [str(no) for no in range(10001, 10001 + number)]
    names = [f"Kari Utpost {no}" for no in numbers]
    return pd.DataFrame({"customerNo": [*numbers, ""], "name": [*names, "Ola Utenfor"]})


def send_nights(connection: armrest.Connection, arm: SandboxServer) -> armrest.Run:
    """A good night; then one with a rejected row, two customers that ARM refuses, and one whose body it refuses."""
    connection.update_customers(people(20)[:-1], client_no=CLIENT_NO)
    arm.behaviour.refuse_customers = frozenset({"10002", "10012"})
    arm.behaviour.poison_customers = frozenset({"10017"})
    return connection.update_customers(people(20), client_no=CLIENT_NO, max_rejected="50%")

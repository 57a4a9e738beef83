"""`armrest sandbox` says where it is and what to set, and ends on Ctrl-C."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from armrest.sandbox import bind
from flows.cli.commands.sandbox import sandbox
from flows.cli.errors import Refused

COMMAND = [sys.executable, "-c", "import typer; from flows.cli.commands.sandbox import sandbox; typer.run(sandbox)"]


@contextmanager
def started(*flags: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The running command, and the variables that it says to set."""
    with subprocess.Popen([*COMMAND, "--port", "0", *flags], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, dict(re.findall(r"(ARMREST_\w+)=(\S+)", process.stdout.readline()))
        finally:
            process.kill()


def test_it_serves_what_it_announces_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    books = tmp_path / "books.csv"
    books.write_text("customerNo,name\n1,Per\n", encoding="utf-8")
    with started("--token", "mine", "--books", str(books), "--refuse", "1", "--faults", "429=0") as (process, set_):
        headers = {"Authorization": f"Bearer {set_['ARMREST_TOKEN']}"}
        body = {"metadata": {"userId": set_["ARMREST_USER_ID"]}, "customers": [{"customerNo": "1", "name": "Pål"}]}
        batches = f"{set_['ARMREST_API_URL']}/clients/2218/customers/batches"
        uuid = httpx.put(batches, json=body, headers=headers).json()["batchUuid"]
        answer = httpx.get(f"{set_['ARMREST_API_URL']}/clients/2218/batches/{uuid}", headers=headers)
        process.send_signal(signal.SIGINT)

        assert (answer.status_code, process.wait(60)) == (206, 0)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"faults": ["tea=0.1"]}, r"faults\.tea: .*reset-before"),
        ({"faults": ["429=2"]}, r"faults\.429: "),
        ({"faults": ["429=0.6", "503=0.6"]}, "together exceed 1"),
        ({"unknown": "maybe"}, "unknown_customers: "),
        ({"books": Path("nowhere.csv")}, "nowhere.csv: no such file"),
    ],
    ids=["unknown fault", "above one", "above one in all", "neither create nor refuse", "no such books"],
)
def test_what_makes_no_sense_is_refused(flags: dict[str, Any], says: str) -> None:
    with pytest.raises((Refused, typer.BadParameter), match=says):
        sandbox(port=0, **flags)


def test_a_taken_port_is_refused_with_a_way_out() -> None:
    with bind(0) as taken, pytest.raises(Refused, match="--port"):
        sandbox(port=taken.getsockname()[1])

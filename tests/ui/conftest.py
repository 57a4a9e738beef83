"""`make up` in a folder of its own, and a browser."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from armrest.sandbox import COLUMNS, sample_rows
from deployments.local_stack import LocalStack, client_numbers
from tests import migrated_home, patient_http
from tests.conftest import ARMREST, plain_environment
from tests.flows.host_process import Host, host_process
from tests.ports import two_free_ports
from tests.ui.browser import SEEN_MILLISECONDS, Ui

NO_BROWSER: Final = "NO BROWSER: the Prefect UI was not looked at; install one: apt install chromium"
ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = "2218,2219,2220,2221,2222,2231,2232,2233,2234,2235,2300," + ",".join(map(str, range(2240, 2260)))
"""The clients that runs of these tests may touch."""
CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
ALONE: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
"""It talks to nobody but the page's own server."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make screenshots` say where pictures go."""
    parser.addoption("--pictures", type=Path, help="a folder for pictures of what is seen")


@dataclass(frozen=True, slots=True)
class Up:
    """All that `make up` has started."""

    place: LocalStack

    @property
    def inbox(self) -> Path:
        """The folder of the customer files."""
        return self.place.sample.parent

    def write(self, name: str, customers: int, *, seed: int = 1, first: int = 10001) -> list[dict[str, str]]:
        """Write a customer file into the inbox; return its rows. Each client has numbers of its own, from `first`."""
        rows = [row | {"customerNo": str(no)} for no, row in enumerate(sample_rows(customers, seed), start=first)]
        with (self.inbox / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return rows

    def behave(self, **behaviour: Any) -> None:
        """Have the stand-in of ARM behave in a certain way; what is not named, as usual."""
        patient_http.put(f"{self.place.sandbox}/sandbox/behaviour", json=behaviour).raise_for_status()

    def work_through(self) -> None:
        """Have the stand-in of ARM work through all that waits, due or not."""
        patient_http.post(f"{self.place.sandbox}/sandbox/drain").raise_for_status()

    def armrest(self, *words: str) -> Any:
        """Run the command on the same ledger; return its JSON."""
        done = subprocess.run(
            [ARMREST, *words, "--json"],
            env=self.place.environment() | plain_environment(),
            cwd=self.place.home,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    home = tmp_path_factory.mktemp("up")
    port = two_free_ports()
    migrated_home.fill(home / "prefect", plain_environment())
    command = [sys.executable, "-m", "deployments.up", "--port", str(port), "--home", str(home), "--clients", CLIENTS]
    subprocess.run(command, cwd=ROOT, check=True)
    yield Up(LocalStack(home, port, clients=client_numbers(CLIENTS)))
    subprocess.run([sys.executable, "-m", "deployments.down", "--home", str(home)], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def host(up: Up) -> Iterator[Host]:
    """Runs flows on the same server, without a worker: where it does not matter who runs them, that is cheaper."""
    with host_process(up.place.environment()) as host:
        yield host


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip(NO_BROWSER)
    expect.set_options(timeout=SEEN_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ALONE)
        yield browser
        browser.close()


@pytest.fixture
def ui(up: Up, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Ui]:
    up.behave()
    context = chromium.new_context(viewport={"width": 1200, "height": 800}, locale="en-GB", timezone_id="Europe/Oslo")
    yield Ui(context.new_page(), up.place.ui, request.config.getoption("--pictures", default=None))
    context.close()
    up.behave()

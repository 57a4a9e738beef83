"""What tests of tasks, flows and the command line share: a Prefect server, a sandbox, the command as a process."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from armrest.outbox import Ledger
from armrest.sandbox import SandboxServer
from flows.cli.prefect_env import DEFAULTS
from tests import generated, migrated_home, warm_command
from tests.ports import free_port
from tests.postgres import Cluster, cluster, programs
from tests.prefect_databases import PrefectDatabases

generated.load_profile()

ARMREST = Path(sys.executable).with_name("armrest")
CLIENT_NO = 2218
ONE_AUTHORITY = Path(__file__).with_name("one_authority.pem")
"""A public certificate of Let's Encrypt, valid until 2035."""
PREFECT_HOME = str(Path(tempfile.gettempdir(), f"armrest-tests-prefect-{os.getuid()}"))
SENT_BY = "8s"
"""A deadline by which a busy machine has sent a few batches. It is waited for, so only where ARM is not to be done."""

NAMES: Final = {"long": "mark.long", "prefect": "prefect"}
"""What a file with a test of this mark has in its text."""
NOT_NAMED: Final = pytest.StashKey[list[str]]()
"""Files with a test of a mark that they do not name. `make test` collects every file, and has a test for it."""
ALONE: Final = {"long": "long", "prefect and not long": "prefect"}
"""Which mark a test must have for what `make test-long` and `make test-flows` give as `-m`."""


@dataclass(frozen=True)
class Ended:
    """What a command has left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line of stdout, which `--json` promises to be one JSON value."""
        return json.loads(self.out.splitlines()[-1])

    @property
    def complaint(self) -> str:
        """The one line that says what is wrong."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("armrest: ")]
        return line


@dataclass
class Shell:
    """Runs `armrest` as a process, in a folder and with homes of its own."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def start(self, *words: str, **variables: str | None) -> warm_command.Command:
        given = {name: value for name, value in (self.variables | variables).items() if value is not None}
        return warm_command.start(words, self.folder, plain_environment() | given)

    def __call__(self, *words: str, **variables: str | None) -> Ended:
        with self.start(*words, **variables) as process:
            out, err = process.communicate(timeout=400)
        return Ended(process.wait(), out, err)


def plain_environment() -> dict[str, str]:
    """This process's environment without anything that would set up `armrest` or Prefect."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARMREST_", "PREFECT_"))}
    return kept | {"DO_NOT_TRACK": "1", "COLUMNS": "200"}


def pytest_configure() -> None:
    """Prepare this process, and so all that the tests start.

    A shell that runs the tests in the background has Ctrl-C ignored, which all of them would inherit. No test speaks
    TLS, but each HTTP client, Prefect's own among them, loads all trusted authorities: 30 ms of CPU for 140 of them.
    A purge removes old results from Prefect's home, so that home is not the developer's.
    """
    os.environ["PREFECT_HOME"] = PREFECT_HOME
    os.environ["SSL_CERT_FILE"] = str(ONE_AUTHORITY)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files without a test that `-m` selects: importing all of them takes each process four seconds."""
    mark = ALONE.get(config.option.markexpr)
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if mark and is_test and not _names(collection_path, mark) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs the Prefect server, before `-m` selects: `make test` leaves it to `make test-flows`."""
    for item in items:
        if isinstance(item, pytest.Function) and "prefect_server" in item.fixturenames:
            item.add_marker("prefect")
    marked = {(item.path, mark) for item in items for mark in NAMES if item.get_closest_marker(mark)}
    config.stash[NOT_NAMED] = sorted(f"{path}: {mark}" for path, mark in marked if not _names(path, mark))


def _names(path: Path, mark: str) -> bool:
    return NAMES[mark] in path.read_text(encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    words = "which database the ledger's own tests run on; postgres starts a throwaway cluster"
    parser.addoption("--ledger", choices=("sqlite", "postgres"), default="sqlite", help=words)
    words = "which database the tests' Prefect servers have; postgres starts a throwaway cluster"
    parser.addoption("--prefect-database", choices=("sqlite", "postgres"), default="sqlite", help=words)
    parser.addoption("--shards", action="store_true", help="also run what needs several Prefect workers (five minutes)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A real PostgreSQL, one for all tests; they are skipped where the machine has none."""
    folder = programs()
    if folder is None:
        pytest.skip("NO POSTGRESQL HERE: install Debian's postgresql to have these tests run")
    with cluster(folder) as running:
        yield running


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty stand-in of S3, which the environment leads to: moto's server in this process, over HTTP."""
    import s3fs
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    address = f"http://{host}:{port}"
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {"AWS_ENDPOINT_URL": address, **keys}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    yield
    s3fs.S3FileSystem.clear_instance_cache()
    httpx.post(f"{address}/moto-api/reset").raise_for_status()  # moto keeps its buckets for the whole process
    moto.stop()


@pytest.fixture
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new ledger, on the database that `--ledger` names.

    PostgreSQL copies a database only when it makes one, so `opened_url` is looked for here.
    """
    if request.config.getoption("--ledger") == "postgres":
        is_opened = "opened_url" in request.fixturenames
        template = request.getfixturevalue("empty_database") if is_opened else "template1"
        return str(request.getfixturevalue("postgres").new_database(template))
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger that was opened once: making its tables costs three times as much as opening it."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    with closing(Ledger.open(f"sqlite:///{file}")):
        return file


@pytest.fixture(scope="session")
def empty_database(postgres: Cluster) -> str:
    """The name of PostgreSQL's database with a ledger that was opened once."""
    url = postgres.new_database()
    with closing(Ledger.open(url)):
        return url.rpartition("/")[2]


@pytest.fixture
def opened_url(ledger_url: str, request: pytest.FixtureRequest) -> str:
    """The address of a ledger that was opened once, and is empty."""
    if ledger_url.startswith("sqlite"):
        shutil.copy(request.getfixturevalue("empty_ledger"), ledger_url.removeprefix("sqlite:///"))
    return ledger_url


@pytest.fixture
def sqlite_only(request: pytest.FixtureRequest) -> None:
    """For tests of what can happen to a file."""
    if request.config.getoption("--ledger") != "sqlite":
        pytest.skip("is about SQLite's file")


@pytest.fixture(scope="session")
def arm_server() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1) as server:
        yield server


@pytest.fixture
def arm(arm_server: SandboxServer) -> SandboxServer:
    """A stand-in of ARM with nothing in its books, that behaves well."""
    arm_server.reset()
    return arm_server


@pytest.fixture
def settings(arm: SandboxServer, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has set everything up."""
    return {
        "ARMREST_HOME": str(tmp_path / "home"),
        "ARMREST_API_URL": arm.api_url,
        "ARMREST_TOKEN": arm.token,
        "ARMREST_USER_ID": "ola.nordmann",
        "ARMREST_POLL_FIRST_SECONDS": "0.1",
    }


@pytest.fixture
def shell(settings: Mapping[str, str], tmp_path: Path) -> Shell:
    """The command line, with no Prefect server that would answer."""
    return Shell(tmp_path, {**settings, "PREFECT_API_URL": "http://127.0.0.1:1/api"})


@pytest.fixture(scope="session")
def prefect_databases(request: pytest.FixtureRequest) -> PrefectDatabases:
    """What gives a Prefect server its home, and the database that `--prefect-database` names."""
    on_postgres = request.config.getoption("--prefect-database") == "postgres"
    return PrefectDatabases(plain_environment(), request.getfixturevalue("postgres") if on_postgres else None)


@contextmanager
def prefect_process(home: Path, databases: PrefectDatabases) -> Iterator[dict[str, str]]:
    """A real Prefect server, and the environment that leads to it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/api"
    environment = plain_environment() | DEFAULTS | databases.make_home(home)
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(migrated_home.server_command(port), env=environment, stdout=log, stderr=log)
    try:
        migrated_home.await_server(server, address)
        yield {"PREFECT_API_URL": address, "PREFECT_HOME": str(home)}
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="session")
def prefect_server(
    tmp_path_factory: pytest.TempPathFactory, prefect_databases: PrefectDatabases
) -> Iterator[dict[str, str]]:
    """One server for all tests: it takes seconds to start."""
    with prefect_process(tmp_path_factory.mktemp("prefect"), prefect_databases) as server:
        yield server


@pytest.fixture
def prefect_shell(settings: Mapping[str, str], prefect_server: Mapping[str, str], tmp_path: Path) -> Shell:
    """The command line, with a Prefect server running."""
    return Shell(tmp_path, {**settings, **prefect_server})


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Writes a CSV: its content, or that of so many customers."""

    def written(content: str | bytes | int, name: str = "customers.csv") -> str:
        text = customers(content) if isinstance(content, int) else content
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    return written


def customers(number: int) -> str:
    """A file of so many customers, numbered from 10001; all that they are is in their number."""
    rows = (f"{no},Kunde {no},9{no:07d},Storgata {no},0155,Oslo" for no in range(10001, 10001 + number))
    return "\n".join(["customerNo,name,phoneNo,addressLine1,postalCode,cityName", *rows, ""])


def cpu_seconds(run: Callable[[], object]) -> float:
    """The CPU time of the processes that this starts: how long they take where nothing else is in their way."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.fixture
def set_up(settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything set, by the environment of this process."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

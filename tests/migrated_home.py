"""The home of a Prefect server that has migrated its empty database: half the CPU of a first start.

It is kept in the virtual environment, one for each version of what migrates, and copied for every server of the tests.
A first start from nothing is what `make up` and `make demo` are tested with.
"""

import fcntl
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from flows.cli.prefect_env import DEFAULTS
from tests.ports import free_port

START_SECONDS: Final = 300
KEPT: Final = Path(sys.prefix, "share", "armrest-tests")
DATABASE: Final = "prefect.db"
BLOCKS: Final = "memo_store.toml"
"""Which block types Prefect has registered: without it, the server registers them again."""


def fill(home: Path, environment: dict[str, str]) -> None:
    """Make a Prefect home as a first start would leave it; `environment` has nothing of Prefect's."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / "-".join(["prefect", *map(version, ("prefect", "sqlalchemy", "alembic"))])
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            _make(kept, environment)
    shutil.copytree(kept, home, dirs_exist_ok=True)


def _make(kept: Path, environment: dict[str, str]) -> None:
    with TemporaryDirectory(dir=KEPT) as folder:
        home, copy = Path(folder, "home"), Path(folder, "copy")
        for path in (home, copy):
            path.mkdir()
        start_and_stop(home, environment)
        with closing(sqlite3.connect(home / DATABASE)) as database:
            database.execute("VACUUM INTO ?", (str(copy / DATABASE),))  # with what is still in its write-ahead log
        shutil.copy(home / BLOCKS, copy)
        copy.rename(kept)


def start_and_stop(home: Path, environment: dict[str, str]) -> None:
    """Start a server, and stop it as soon as it answers."""
    port = free_port()
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            server_command(port), env=environment | DEFAULTS | {"PREFECT_HOME": str(home)}, stdout=log, stderr=log
        )
    try:
        await_server(server, f"http://127.0.0.1:{port}/api")
    finally:
        server.terminate()
        server.wait(timeout=60)


def server_command(port: int) -> list[str]:
    """Return the command that starts a server on a port of this machine."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]


def await_server(server: "subprocess.Popen[bytes]", address: str) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            if httpx.get(f"{address}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError("the Prefect server did not start; see server.log in its home")

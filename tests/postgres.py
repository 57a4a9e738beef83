"""A throwaway PostgreSQL: a cluster in a temporary folder, where the machine has the programs for one."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.ports import free_port

USER: Final = "armrest"
NOBODY: Final = "nobody"
"""Whom PostgreSQL runs as where we are root, which it refuses."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server on this machine that creates databases on request.

    Attributes:
        folder: Of its socket.
    """

    port: int
    folder: Path

    def new_database(self, template: str = "template1") -> str:
        """Return the address, for SQLAlchemy, of a database with nothing in it, or of a copy of another."""
        name = f"test_{secrets.token_hex(8)}"
        with psycopg.connect(host="127.0.0.1", port=self.port, user=USER, dbname="postgres", autocommit=True) as asked:
            asked.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def by_socket(self, address: str) -> str:
        """Return the address of a database that leads through the server's socket, which is quicker."""
        name = address.rpartition("/")[2]
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}&port={self.port}"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, on the PATH or where Debian puts them; None where there are none."""
    debian = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which("initdb", path=os.pathsep.join([os.environ.get("PATH", ""), *debian]))
    return Path(found).resolve().parent if found else None


@contextmanager
def cluster(folder_of_programs: Path, *, within: Path | None = None, settings: Sequence[str] = ()) -> Iterator[Cluster]:
    """Run a cluster that forgets everything at the end.

    Args:
        within: The folder for its folder; None: that for temporary files.
        settings: Of the server, each as NAME=VALUE.
    """
    somebody: dict[str, Any] = {"user": NOBODY, "extra_groups": ()} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(dir=within, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if somebody:
            shutil.chown(folder, NOBODY)
        options = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", f"--username={USER}"]
        initdb = [str(folder_of_programs / "initdb"), *options, str(folder / "data")]
        subprocess.run(initdb, check=True, cwd=folder, stdout=subprocess.DEVNULL, **somebody)
        port = free_port()
        server = [str(folder_of_programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
        command = [*server, "-h", "127.0.0.1", "-F", "-c", "max_connections=100"]
        command += [word for setting in settings for word in ("-c", setting)]
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(command, cwd=folder, stderr=log, **somebody) as process,
        ):
            try:
                _await(process, port, folder / "log")
                yield Cluster(port, folder)
            finally:
                process.send_signal(2)  # a fast shutdown: whoever is connected is cut off


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=USER, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")

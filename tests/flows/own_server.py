"""A Prefect server of a test's own, to be killed, stopped and started again."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deployments.local_server import LEASES
from flows.cli.prefect_env import DEFAULTS
from tests import migrated_home
from tests.conftest import plain_environment
from tests.ports import free_port
from tests.prefect_databases import PrefectDatabases


@dataclass
class OwnServer:
    """A server with a home and a port of its own."""

    home: Path
    databases: PrefectDatabases
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    _environment: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client to it; the client's own home is empty."""
        return {"PREFECT_API_URL": self.address, "PREFECT_HOME": str(self.home.with_name("client"))}

    def start(self) -> None:
        if not self.home.exists():
            self._environment = self.databases.make_home(self.home)
        environment = plain_environment() | DEFAULTS | LEASES | self._environment
        command = migrated_home.server_command(self.port)
        with (self.home.with_name("server.log")).open("a") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        migrated_home.await_server(self.process, self.address)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def empty(self) -> None:
        """Remove all that it remembers; it must be down."""
        shutil.rmtree(self.home)


@contextmanager
def own_server(home: Path, databases: PrefectDatabases) -> Iterator[OwnServer]:
    """A server that runs, and is gone at the end, whatever fails."""
    server = OwnServer(home, databases)
    try:
        server.start()
        yield server
    finally:
        server.kill()

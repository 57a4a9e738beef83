"""The servers that the contestants use, each in its own process, whose CPU is not counted."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError

import psutil

from flows.cli.prefect_env import DEFAULTS

START_SECONDS: Final = 120
SETTLE_SECONDS: Final = 2.0


class Server:
    """A process that answers on this machine.

    Attributes:
        url: Its address.
    """

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._process = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """Return the CPU that it has used since its start, user and system."""
        used = self._process.cpu_times()
        return float(used.user + used.system)

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """Return the JSON of an answer."""
        request = urllib.request.Request(self.url + path, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read())


@contextmanager
def stand_in(*options: str) -> Iterator[Server]:
    """Start the counting stand-in of ARM; without options it answers as fast as it can."""
    command = [sys.executable, "-m", "benchmarks.stand_in", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield Server(f"http://127.0.0.1:{process.stdout.readline().strip()}", process.pid)
        finally:
            process.terminate()


@contextmanager
def prefect_server(home: Path) -> Iterator[Server]:
    """Start a Prefect server with its own history."""
    port = _free_port()
    env = {**os.environ, **DEFAULTS, "PREFECT_HOME": str(home), "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        server = Server(f"http://127.0.0.1:{port}/api", process.pid)
        try:
            _until(lambda: server.ask("/health"))
            yield server
        finally:
            process.terminate()


def task_runs(server: Server) -> int:
    """Return how many task runs the server knows, once it has recorded what was reported to it."""
    known = -1
    while (now := int(server.ask("/task_runs/count", b"{}"))) != known:
        known = now
        time.sleep(SETTLE_SECONDS)
    return known


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(asked: Callable[[], Any]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            asked()
        except (URLError, ConnectionError, TimeoutError):
            if time.monotonic() > until:
                raise SystemExit("the Prefect server did not start") from None
            time.sleep(0.2)
        else:
            return

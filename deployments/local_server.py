"""A Prefect server on this machine: its command, its environment, and waiting until it answers."""

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from flows.cli.prefect_env import DEFAULTS

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 120
POLL_INTERVAL_SECONDS: Final = 0.2

LEASES: Final = {
    # kept in memory, as is Prefect's default, a slot that is taken at a restart of the server is never free again
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
}


def address(port: int) -> str:
    """Return the address of a server's API."""
    return f"http://{HOST}:{port}/api"


def command(port: int) -> list[str]:
    """Return the command that starts a server."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]


def environment(prefect_home: Path, port: int) -> dict[str, str]:
    """Return a server's and its clients' environment, whatever other Prefect and other ARM the user has set."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ARMREST_"))}
    prefect = {
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_API_URL": address(port),
        "PREFECT_SERVER_UI_API_URL": address(port),  # or the UI asks port 4200
        "PREFECT_UI_URL": f"http://{HOST}:{port}/v2",  # or links in notices lead nowhere; v2 is what Prefect opens with
    }
    return {**own, **DEFAULTS, **LEASES, **prefect}


def is_taken(port: int) -> bool:
    """Return whether a process listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def answers(url: str, *, alive: Callable[[], object]) -> bool:
    """Wait until an address answers; return whether it does before its process ends or the time is over."""
    return wait(lambda: _is_there(url), alive=alive)


def wait(is_so: Callable[[], bool], *, alive: Callable[[], object]) -> bool:
    """Wait until a condition holds, while a process is alive and for at most two minutes; return whether it holds."""
    until = time.monotonic() + START_SECONDS
    while alive() and time.monotonic() < until:
        if is_so():
            return True
        time.sleep(POLL_INTERVAL_SECONDS)
    return False


def _is_there(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):  # noqa: S310  an address of this machine
            return True
    except (URLError, TimeoutError, ConnectionError):
        return False

"""`make ui`: the Prefect UI on the demo's history, until Ctrl-C. Loopback only, telemetry off."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from flows.cli.prefect_env import DEFAULTS

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 120


def main() -> int:
    """Serve the history until the server ends; return its exit code."""
    parser = argparse.ArgumentParser(prog="make ui", description=__doc__)
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--prefect-home", type=Path, default=Path(".demo/prefect"))
    chosen = parser.parse_args()
    if not chosen.prefect_home.is_dir():
        return _refuse(f"there is no history in {chosen.prefect_home} yet: run `make demo` first")
    if _is_taken(chosen.port):
        return _refuse(f"port {chosen.port} is taken: choose another with `make ui PORT={chosen.port + 1}`")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = _start(chosen.prefect_home.absolute(), chosen.port)
    try:
        if _answers(server, chosen.port):
            address = f"http://{HOST}:{chosen.port}"
            print(f"The Prefect UI is at {address}: look under Runs and Artifacts. Ctrl-C ends it.", flush=True)
            if os.environ.get("DISPLAY") or sys.platform == "darwin":
                webbrowser.open(address)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def _refuse(message: str) -> int:
    print(f"armrest: {message}", file=sys.stderr)
    return 2


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _start(prefect_home: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start the server on the demo's home, whatever other server the user has."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    address = f"http://{HOST}:{port}/api"
    prefect = {"PREFECT_HOME": str(prefect_home), "PREFECT_API_URL": address, "PREFECT_SERVER_UI_API_URL": address}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    return subprocess.Popen(  # noqa: S603  our own interpreter, our own words
        command, env={**mine, **DEFAULTS, **prefect}, stdout=subprocess.DEVNULL
    )


def _answers(server: "subprocess.Popen[bytes]", port: int) -> bool:
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            with urlopen(f"http://{HOST}:{port}/api/health", timeout=5):
                return True
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main())

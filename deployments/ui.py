"""`make ui`: show the demo's history in the Prefect UI, until Ctrl-C. Loopback only, telemetry off."""

import argparse
import os
import signal
import subprocess
import sys
import webbrowser
from pathlib import Path

from deployments.local_server import HOST, address, answers, command, environment, is_taken


def main() -> int:
    """Serve the history until the server ends; return its exit code."""
    parser = argparse.ArgumentParser(prog="make ui", description=__doc__)
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--prefect-home", type=Path, default=Path(".demo/prefect"))
    chosen = parser.parse_args()
    if not chosen.prefect_home.is_dir():
        return _refuse(f"there is no history in {chosen.prefect_home} yet: run `make demo` first")
    if is_taken(chosen.port):
        return _refuse(f"port {chosen.port} is taken: choose another with `make ui PORT={chosen.port + 1}`")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = subprocess.Popen(  # noqa: S603  our own interpreter, our own words
        command(chosen.port),
        env=environment(chosen.prefect_home.absolute(), chosen.port),
        stdout=subprocess.DEVNULL,
    )
    try:
        if answers(f"{address(chosen.port)}/health", alive=lambda: server.poll() is None):
            ui = f"http://{HOST}:{chosen.port}"
            print(f"The Prefect UI is at {ui}: look under Runs and Artifacts. Ctrl-C ends it.", flush=True)
            if os.environ.get("DISPLAY") or sys.platform == "darwin":
                webbrowser.open(ui)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def _refuse(message: str) -> int:
    print(f"armrest: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

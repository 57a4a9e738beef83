"""`armrest` in a process of its own that need not import anything: forked from one that has imported it all.

The imports take two seconds of CPU, and the tests run the command more than two hundred times. Started as a program,
this is the process that forks; `start` asks it to. What is special about a start from nothing (`--verbose`, lazy
imports, the launcher itself) is tested with processes that are started from nothing.
"""

import atexit
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).parents[1]
_LARGEST: Final = 1 << 16
COMMANDS: Final = (
    "flows.apply_plan",
    "flows.cli.prefect_checkup",
    "flows.cli.run_flow",
    "flows.purge",
    "flows.rerun_failed_batches",
    "flows.resume_run",
    "flows.settle_open_batches",
    "flows.update_customer",
    "flows.update_customers",
    "flows.verify_customers",
)
"""What commands import only when they need it."""


class Command:
    """A running command: what tests use of `subprocess.Popen`."""

    def __init__(self, answers: socket.socket, out: int, err: int) -> None:
        self._answers: Final = answers
        self._files: Final = (out, err)
        self._texts: tuple[str, str] = ("", "")
        self.returncode: int | None = None
        self.pid: Final = int(self._answers.recv(_LARGEST))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end; return stdout and stderr, which go into files, so that they never fill up."""
        self.wait(timeout)
        return self._texts

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code, negative where a signal ended it."""
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                self.returncode = int(self._answers.recv(_LARGEST))
            except TimeoutError:
                raise subprocess.TimeoutExpired("armrest", timeout or 0) from None
            self._answers.close()
            out, err = self._files
            self._texts = (_text_of(out), _text_of(err))
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit code if it has ended, else None."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0.001)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Signal the command, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)


def _text_of(file: int) -> str:
    with os.fdopen(file) as stream:
        stream.seek(0)
        return stream.read()


class _Forker:
    """The process that forks; it is started for the first command, and ends with this process."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None

    def start(self, words: tuple[str, ...], folder: Path, variables: Mapping[str, str]) -> Command:
        if self._requests is None:
            self._requests = _start_forker()
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        out, err = (os.memfd_create(name) for name in ("out", "err"))
        order = {"words": words, "folder": str(folder), "variables": dict(variables)}
        with theirs:
            socket.send_fds(self._requests, [json.dumps(order).encode()], [theirs.fileno(), out, err])
        return Command(ours, out, err)


def _start_forker() -> socket.socket:
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARMREST_", "PREFECT_"))}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_command", str(theirs.fileno())],
            cwd=ROOT,
            env=kept,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )

    def leave() -> None:
        ours.close()
        process.wait()

    atexit.register(leave)
    return ours


start: Final = _Forker().start
"""Start `armrest` with these words, in this folder, with exactly these variables."""


def serve(requests: socket.socket) -> None:
    """Fork a command for every request; return in each command's own process, ready to run it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes in between
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, _LARGEST, 3)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            break
        for descriptor in descriptors:
            os.close(descriptor)
    requests.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answers, out, err = descriptors
    command = os.fork()
    if command:
        os.write(answers, f"{command}".encode())
        _, status = os.waitpid(command, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}".encode())
        os._exit(0)
    os.close(answers)
    os.setsid()
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    order = json.loads(message)
    sys.argv = ["armrest", *order["words"]]
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["variables"])


def main() -> None:
    """Import all that the command imports, and fork."""
    from flows.cli.prefect_env import prepare

    prepare()
    for module in COMMANDS:
        importlib.import_module(module)
    from flows.cli import app

    app.command_tree()
    serve(socket.socket(fileno=int(sys.argv[1])))
    prepare()
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()
    app.main()


if __name__ == "__main__":
    main()

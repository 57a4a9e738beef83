"""Background processes, recorded in a file so that they, and only they, can be stopped later."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

PATIENCE_SECONDS: Final = 30
SAME_START_SECONDS: Final = 1.0
"""The system reuses process ids; a later process with the same id has another start time."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started: `created` is when, as the system tells it; `port` is that of all it belongs to."""

    name: str
    pid: int
    created: float
    port: int

    def live_process(self) -> psutil.Process | None:
        """Return the process if it is still alive; another process may have its id by now."""
        try:
            process = psutil.Process(self.pid)
            is_it = abs(process.create_time() - self.created) < SAME_START_SECONDS
            return process if is_it and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def start(
    name: str, command: Sequence[str], *, port: int, environment: Mapping[str, str], folder: Path, log: Path
) -> Process:
    """Start a process in its own session, and append its output to a log file."""
    with log.open("ab") as output:
        popen = subprocess.Popen(  # noqa: S603  our own interpreter, our own words
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Process(name, popen.pid, psutil.Process(popen.pid).create_time(), port)


def end(process: Process, *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
    """Terminate a process and its children, then kill them; return whether there was a process to stop."""
    live_process = process.live_process()
    if live_process is None:
        return False
    family = [live_process, *_children(live_process)]
    live_process.terminate()
    _, left = psutil.wait_procs(family, timeout=patience_seconds)
    for survivor in left:
        survivor.kill()
    psutil.wait_procs(left, timeout=patience_seconds)
    return True


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def save(file: Path, processes: Iterable[Process]) -> None:
    """Record the running processes, atomically."""
    written = file.with_suffix(".new")
    written.write_text(json.dumps([asdict(process) for process in processes], indent=1), encoding="utf-8")
    written.replace(file)


def load(file: Path) -> list[Process]:
    """Return the recorded processes, dead or alive."""
    return [Process(**entry) for entry in json.loads(file.read_text(encoding="utf-8"))] if file.exists() else []


def listener(port: int) -> str | None:
    """Describe the process that listens on a port of this machine, if the system says; None if the port is free."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return _program(connection.pid)
    return None


def _program(pid: int | None) -> str:
    try:
        return "another program" if pid is None else f"{psutil.Process(pid).name()} (process {pid})"
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return "another program"

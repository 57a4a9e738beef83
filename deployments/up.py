"""`make up`: start a permanent Prefect server, a worker and a sandbox on this machine, and deploy everything.

It returns as soon as everything is ready. `make down` stops it and keeps the history.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from armrest.sandbox import last_month, sample_rows, write_sample
from deployments import processes
from deployments.local_server import address, answers, command, is_taken, wait
from deployments.local_stack import CLIENT_NO, HOME, POOL, TOKEN, LocalStack, client_numbers
from deployments.processes import Process

ARMREST: Final = Path(sys.executable).with_name("armrest")
NAMES: Final = ("server", "sandbox", "worker")
CUSTOMERS: Final = 5000
SEED: Final = 1
SANDBOX_DELAY_SECONDS: Final = 2
REFUSED: Final = ("13001", "14002", "14900")
"""Customers of the sample that the sandbox refuses at first, so that there is something to fix."""
WORKER: Final = "make-up"
TAIL_LINES: Final = 15

READY: Final = """\
{state}: {ui}
  Deployments  under Deployments, start update-customers/manual with source {sample} and client {client_no}
  ARM          a sandbox, {sandbox} (not Amili's); all runs send to it
  to fix       the sandbox refuses three customers of the sample, and the file has wrong rows: see arm-run-{client_no}.
               curl -X PUT -d '{{}}' {sandbox}/sandbox/behaviour
               makes the sandbox accept them; then send them again with the link in arm-run-{client_no}
  files        put customer files into {inbox}, mappings into {mappings}; runs open no others
  command line export PREFECT_API_URL={ui}/api ARMREST_HOME={home}
  logs         {logs}
  make down    stops it; the history is kept"""


class StartFailed(Exception):
    """The stack did not start; the message says what is wrong, and what to do."""


def main() -> int:
    """Start the stack; return the exit code."""
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--home", type=Path, default=HOME)
    words = "Clients that runs may update, such as 2218,2219."
    parser.add_argument("--clients", type=client_numbers, default=(CLIENT_NO,), help=words)
    arguments = parser.parse_args()
    try:
        print(start_stack(LocalStack(arguments.home.absolute(), arguments.port, arguments.clients)))
    except StartFailed as error:
        print(f"armrest: {error}", file=sys.stderr)
        return 2
    return 0


def start_stack(stack: LocalStack) -> str:
    """Start what is not running, and deploy; return where it is and what to do there.

    Raises:
        StartFailed: The stack runs on another port, a port is taken, or a process did not start.
    """
    running = {process.name: process for process in processes.load(stack.pids) if process.live_process()}
    if elsewhere := [process.port for process in running.values() if process.port != stack.port]:
        raise StartFailed(
            f"it already runs on port {elsewhere[0]}: run `make down` first, or `make up PORT={elsewhere[0]}`"
        )
    missing = [name for name in NAMES if name not in running]
    if missing:
        _assert_free(stack, missing)
        _start_missing(stack, running)
    return READY.format(
        state="Started" if missing else "Already running",
        ui=stack.ui,
        sample=stack.sample.name,
        client_no=CLIENT_NO,
        sandbox=stack.sandbox,
        inbox=stack.sample.parent,
        mappings=stack.home / "mappings",
        home=stack.home / "home",
        logs=stack.log("*"),
    )


def _assert_free(stack: LocalStack, missing: Sequence[str]) -> None:
    """Make sure that the needed ports are free, before anything starts."""
    for name, port in (("server", stack.port), ("sandbox", stack.sandbox_port)):
        if name in missing and is_taken(port):
            program = processes.listener(port) or "another program"
            raise StartFailed(
                f"port {port} is taken by {program}: stop it, or choose another port: make up PORT={stack.port + 100}"
            )


def _start_missing(stack: LocalStack, running: dict[str, Process]) -> None:
    """Start each process as soon as its requirements are ready."""
    stack.make_folders()
    with _all_or_nothing(stack, running) as start:
        start("server", command(stack.port))
        _write_customers(stack)
        start("sandbox", [str(ARMREST), "sandbox", *_sandbox_flags(stack)])
        _await(stack, running["sandbox"], f"{stack.sandbox}/sandbox/stats")
        _await(stack, running["server"], f"{address(stack.port)}/health")
        _deploy(stack)
        start("worker", [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--name", WORKER])
        _await_worker(stack, running["worker"])


@contextmanager
def _all_or_nothing(stack: LocalStack, running: dict[str, Process]) -> Iterator[Callable[[str, Sequence[str]], None]]:
    """Yield a function that starts what is not running; on an error, stop what was started."""
    started: list[Process] = []

    def start(name: str, words: Sequence[str]) -> None:
        if name in running:
            return
        process = processes.start(
            name, words, port=stack.port, environment=stack.environment(), folder=stack.home, log=stack.log(name)
        )
        started.append(process)
        running[name] = process
        processes.save(stack.pids, running.values())

    try:
        yield start
    except BaseException:
        for process in reversed(started):
            processes.end(process)
        raise


def _write_customers(stack: LocalStack) -> None:
    """Write a customer file for the inbox, and last month's records of the same customers for the sandbox."""
    write_sample(stack.sample, customers=CUSTOMERS, seed=SEED)
    with stack.sandbox_records.open("w", encoding="utf-8", newline="") as file:
        rows = iter(last_month(sample_rows(CUSTOMERS, SEED), SEED))
        first = next(rows)
        writer = csv.DictWriter(file, first)
        writer.writeheader()
        writer.writerows([first, *rows])


def _sandbox_flags(stack: LocalStack) -> list[str]:
    return [
        *("--port", str(stack.sandbox_port), "--token", TOKEN, "--delay", str(SANDBOX_DELAY_SECONDS)),
        *("--books", str(stack.sandbox_records), "--client-no", str(CLIENT_NO), "--seed", str(SEED)),
        *(word for number in REFUSED for word in ("--refuse", number)),
    ]


def _deploy(stack: LocalStack) -> None:
    """Deploy in a separate process, because Prefect reads its environment when it is imported."""
    ended = subprocess.run(
        [sys.executable, "-m", "deployments.deploy", "--sandbox"],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    stack.log("set-up").write_text(ended.stdout + ended.stderr, encoding="utf-8")
    if ended.returncode:
        raise StartFailed(f"deploying failed; {_log_tail(stack.log('set-up'))}")


def _await(stack: LocalStack, process: Process, url: str) -> None:
    if not answers(url, alive=process.live_process):
        raise StartFailed(f"the {process.name} did not start; {_log_tail(stack.log(process.name))}")


def _await_worker(stack: LocalStack, process: Process) -> None:
    """Wait for the worker's first heartbeat; earlier workers do not count."""
    if not wait(lambda: _has_beaten(stack, process), alive=process.live_process):
        raise StartFailed(f"the worker did not start; {_log_tail(stack.log(process.name))}")


def _has_beaten(stack: LocalStack, process: Process) -> bool:
    workers = _ask(f"{address(stack.port)}/work_pools/{POOL}/workers/filter")
    beats = [datetime.fromisoformat(worker["last_heartbeat_time"]) for worker in workers if worker["name"] == WORKER]
    return any(beat.timestamp() > process.created for beat in beats)


def _ask(url: str) -> Any:
    with urlopen(Request(url, b"{}", {"Content-Type": "application/json"}), timeout=5) as answer:  # noqa: S310  ours
        return json.load(answer)


def _log_tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join([f"{log} ends with:", *lines])


if __name__ == "__main__":
    sys.exit(main())

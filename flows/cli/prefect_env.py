"""Prefect on the command line: its environment, set before it is imported, and the embedded server's start."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

DEFAULTS: Final = {
    # an accounts receivable system does not call home
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # an embedded server takes 9 to 30 s to start; Prefect gives up after 20
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # larger writes: a task run costs the server a third of the CPU, and shows ten times sooner
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "200",
    # what the library logs is seen in the run's log
    "PREFECT_LOGGING_EXTRA_LOGGERS": "armrest",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}
"""What suits this project; what the user has set stays."""

QUIET: Final = {
    # the run's log keeps every line; the terminal shows the command's own words only
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}


def prepare(*, verbose: bool = False) -> None:
    """Set what is not set yet; of no effect once Prefect has been imported."""
    for name, value in (DEFAULTS if verbose else DEFAULTS | QUIET).items():
        os.environ.setdefault(name, value)


def start_server() -> None:
    """Start Prefect's embedded server, unless the user has one: it takes about ten seconds.

    Raises:
        ConnectionError: The server that is set does not answer.
        RuntimeError: The embedded one did not start.
    """
    from prefect.settings import PREFECT_API_URL

    if address := PREFECT_API_URL.value():
        _ask(address)
        return
    failures: list[Exception] = []
    thread = threading.Thread(target=_start_embedded, args=(failures,), daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _ask(address: str) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        if trouble := client.api_healthcheck():
            raise ConnectionError(
                f"the Prefect server at {address} does not answer ({type(trouble).__name__}): "
                "start it, or unset PREFECT_API_URL to use an embedded one"
            ) from None


def _start_embedded(failures: list[Exception]) -> None:
    """Run in a thread of its own: the main one stays open to Ctrl-C, and the server does not inherit that."""
    from prefect.server.api.server import SubprocessASGIServer

    try:
        with _blocked(signal.SIGINT):
            SubprocessASGIServer().start()
    except Exception as error:  # noqa: BLE001  handed to the caller's thread
        failures.append(error)


@contextmanager
def exit_on_sigterm(exit_code: int) -> Iterator[None]:
    """End by way of `SystemExit`, so that the embedded server is ended too; while a flow sends, it knows better."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(exit_code)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _blocked(number: signal.Signals) -> Iterator[None]:
    """Block a signal for this thread and the processes it starts.

    Ctrl-C goes to the whole process group: a server that dies of it leaves its client waiting for 72 s.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

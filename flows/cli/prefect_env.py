"""Prefect on the command line: its environment, set before the import, and the start of the embedded server."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

DEFAULTS: Final = {
    # an accounts receivable system sends no telemetry
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # an embedded server takes 9 to 30 s to start; Prefect gives up after 20
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # larger writes: a task run costs a third of the server's CPU, and appears ten times sooner
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "200",
    # the run's log includes the library's log
    "PREFECT_LOGGING_EXTRA_LOGGERS": "armrest",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}
"""Defaults of this project; values that the user has set are kept."""

QUIET: Final = {
    # the run's log has every line; the terminal shows only the command's own messages
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}


def prepare(*, verbose: bool = False) -> None:
    """Set the defaults that are not set yet; has no effect once Prefect has been imported."""
    for name, value in (DEFAULTS if verbose else DEFAULTS | QUIET).items():
        os.environ.setdefault(name, value)


def start_server() -> None:
    """Start Prefect's embedded server, which takes about ten seconds, unless the user has set a server.

    Raises:
        ConnectionError: The server that the user has set does not answer.
        RuntimeError: The embedded server did not start.
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
    """Run in its own thread: the main thread still receives Ctrl-C, but the server does not."""
    from prefect.server.api.server import SubprocessASGIServer

    try:
        with _blocked(signal.SIGINT):
            SubprocessASGIServer().start()
    except Exception as error:  # noqa: BLE001  raised in the caller's thread
        failures.append(error)


@contextmanager
def exit_on_sigterm(exit_code: int) -> Iterator[None]:
    """Raise `SystemExit` on SIGTERM, so that the embedded server ends too. While a flow sends, its handler applies."""

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

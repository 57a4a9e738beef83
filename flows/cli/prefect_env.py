"""Prefect on the command line: its environment, set before the import, and the start of the embedded server."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

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
    # and not three lines of Prefect's for each task
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
}
"""Defaults of this project; values that the user has set are kept."""

QUIET: Final = {
    # the run's log has every line; the terminal shows only the command's own messages
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
}


LEAVE_SECONDS: Final = 2.0
_used: list[str] = []
"""The server that this process ran flows on, if any."""


def prepare(*, verbose: bool = False) -> None:
    """Set the defaults that are not set yet; has no effect once Prefect has been imported."""
    for name, value in (DEFAULTS if verbose else DEFAULTS | QUIET).items():
        os.environ.setdefault(name, value)


def start_server(*, stands_in: bool = False) -> str | None:
    """Start Prefect's embedded server, which takes about ten seconds, unless the user's own server answers.

    Args:
        stands_in: If the user's server does not answer, an embedded one may take its place.

    Returns:
        The user's server, if the embedded one has taken its place.

    Raises:
        ConnectionError: The user's server does not answer, and nothing may stand in for it.
        RuntimeError: The embedded server did not start.
    """
    from prefect.settings import PREFECT_API_URL

    address: str | None = PREFECT_API_URL.value()
    _used.append(address or "embedded")
    trouble = _trouble() if address else None
    if address and trouble is None:
        return None
    if trouble is not None and not stands_in:
        raise ConnectionError(
            f"the Prefect server at {address} does not answer ({trouble}): "
            "start it, or unset PREFECT_API_URL to use an embedded one"
        )
    failures: list[Exception] = []
    thread = threading.Thread(target=_start_embedded, args=(failures,), daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    if address:
        _use_embedded()
    return address


def _trouble() -> str | None:
    """Return what keeps a server from answering; None if it answers."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
    return type(error).__name__ if error else None


def _use_embedded() -> None:
    """Make the embedded server the one that this process talks to."""
    from prefect.context import refresh_global_settings_context
    from prefect.server.api.server import SubprocessASGIServer

    os.environ["PREFECT_API_URL"] = SubprocessASGIServer().api_url
    refresh_global_settings_context()


def leave(exit_code: int) -> NoReturn:
    """End the process; at once if it has run a flow and Prefect's server is gone.

    At a normal end, Prefect tries for seven seconds to send each event that it has queued (measured with 3.9.1).
    """
    if _used and not _is_there(os.environ.get("PREFECT_API_URL") or ""):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
    sys.exit(exit_code)


def _is_there(address: str) -> bool:
    """Return whether a server answers; without an address it is the embedded one, which ends with this process."""
    import httpx

    try:
        return not address or httpx.get(f"{address}/health", timeout=LEAVE_SECONDS).is_success
    except httpx.HTTPError:
        return False


def limit_retries(number: int) -> None:
    """Have this task's Prefect client repeat a request less often from now on: a missing server then costs little."""
    from prefect.context import SettingsContext, get_settings_context
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES

    context = get_settings_context()
    settings = context.settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: number})
    SettingsContext(profile=context.profile, settings=settings).__enter__()  # for the rest of this task


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

"""Run a coroutine from synchronous code, even if an event loop is already running, as in a notebook."""

import asyncio
import contextvars
import sys
import threading
import warnings
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
_CALLER: Final = 3
"""The frame of the user's call: this function, the method, then the user."""


def run_sync(coroutine: Coroutine[Any, Any, _T], *, twin: str) -> _T:
    """Run a coroutine to its end; Ctrl-C cancels it, and waits until it has cleaned up.

    If an event loop is running in this thread, the coroutine gets its own loop in another thread. Until it ends, the
    caller's loop is blocked: that is right in a notebook, and causes a warning elsewhere.

    Args:
        twin: The name of the asynchronous function, for the warning.
    """
    if not _is_loop_running():
        return asyncio.run(coroutine)
    if not is_notebook():
        what = f"this call stops the running event loop until it returns; use `await {twin}(…)`"
        warnings.warn(what, RuntimeWarning, stacklevel=_CALLER)
    return _run_in_thread(coroutine)


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def is_notebook() -> bool:
    """Whether this is a notebook or an IPython shell, whose event loop is idle while a cell runs."""
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def _run_in_thread(coroutine: Coroutine[Any, Any, _T]) -> _T:
    task: Future[asyncio.Task[_T]] = Future()
    outcome: Future[_T] = Future()

    async def run() -> _T:
        current = asyncio.current_task()
        assert current is not None
        task.set_result(current)
        return await coroutine

    def work() -> None:
        try:
            outcome.set_result(asyncio.run(run()))
        except BaseException as error:  # noqa: BLE001  it is raised in the thread that waits
            outcome.set_exception(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="armrest")
    thread.start()
    try:
        return outcome.result()
    except KeyboardInterrupt:
        running = task.result()
        running.get_loop().call_soon_threadsafe(running.cancel)
        raise
    finally:
        thread.join()

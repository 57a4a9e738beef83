"""SIGTERM ends a flow like Ctrl-C: it waits a moment for requests in flight, and closes the ledger.

The ledger records who stopped the run, because only a run that a machine stopped is resumed automatically.
"""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, ParamSpec
from uuid import UUID

from prefect import runtime
from prefect.client.schemas import State
from prefect.states import Cancelled

from armrest.app.workspace import Workspace
from armrest.delivery import finish_stopped
from armrest.outbox import Run, RunState, RunSummary, StoppedBy
from flows.artifacts import note_end, report_once
from flows.steps.refusal import explained
from flows.steps.stopped_by import ask_who_stops, flow_run_of_process

_P = ParamSpec("_P")

STOPPED_BY_PERSON: Final = "cancelled by a person"


class RunStopped(asyncio.CancelledError):
    """A run was stopped before its end, and the ledger knows by whom. `run` is its summary."""

    def __init__(self, run: RunSummary) -> None:
        super().__init__()
        self.run = run


class Stop:
    """Stops the flow of this process, and asks Prefect meanwhile who requested that."""

    def __init__(self, task: "asyncio.Task[Any] | None") -> None:
        self._task = task
        self._flow_run_ids = {flow_run_id(), *filter(None, [flow_run_of_process()])}
        self._answer: asyncio.Task[StoppedBy] | None = None

    def on_sigterm(self) -> None:
        """Cancel the flow; ignore a second signal, which would interrupt the shutdown."""
        if self._answer is None and self._task is not None:
            self._answer = asyncio.get_running_loop().create_task(ask_who_stops(self._flow_run_ids))
            self._task.cancel()

    async def by(self) -> StoppedBy:
        """Return who stopped the flow. Without SIGTERM, on the command line, a person did with Ctrl-C."""
        if self._answer is None and flow_run_of_process() is None:
            return "person"
        return await (self._answer or ask_who_stops(self._flow_run_ids))


_current: ContextVar[Stop | None] = ContextVar("stop", default=None)


@contextmanager
def cancelled_by_sigterm() -> Iterator[Stop]:
    """Cancel the current task on SIGTERM; Prefect's own handler would interrupt the event loop anywhere.

    A nested call sets the handler again, because the engine of a nested flow installs Prefect's own.
    """
    outer = _current.get()
    stop = outer or Stop(asyncio.current_task())
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
    loop.add_signal_handler(signal.SIGTERM, stop.on_sigterm)
    token = _current.set(stop)
    try:
        yield stop
    finally:
        _current.reset(token)
        if outer is None:
            loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)


@asynccontextmanager
async def noting_stop(workspace: Workspace, run: Run) -> AsyncIterator[None]:
    """Record in the ledger who stopped a run, under its lease if this process holds it.

    Raises:
        RunStopped: Replaces the cancellation.
    """
    with cancelled_by_sigterm() as stop:
        try:
            yield
        except RunStopped:
            raise
        except asyncio.CancelledError:
            by = await stop.by()
            raise RunStopped(finish_stopped(workspace.outbox, run, by, lease=workspace.lease)) from None


@asynccontextmanager
async def reporting_stop(workspace: Workspace, run: Run) -> AsyncIterator[None]:
    """Write the summary of a stopped run: what was sent, what was not, and how to resume it."""
    with cancelled_by_sigterm():
        try:
            async with noting_stop(workspace, run):
                yield
        except RunStopped:
            await report_once(workspace.outbox, run, flow_run_id())
            raise


def stoppable(flow: Callable[_P, Coroutine[Any, Any, State]]) -> Callable[_P, Coroutine[Any, Any, State]]:
    """Make a flow that a person cancels in Prefect end as `Cancelled`, with the run's figures and how to resume it.

    Prefect alone would show it as `Crashed` for up to a minute. Our own errors end it in a state that explains them.
    """

    @wraps(flow)
    async def run_flow(*args: _P.args, **kwargs: _P.kwargs) -> State:
        with cancelled_by_sigterm() as stop:
            try:
                return await explained(flow)(*args, **kwargs)
            except asyncio.CancelledError as error:
                if flow_run_id() != flow_run_of_process() or await stop.by() != "person":
                    raise
                message = how_to_go_on(error.run) if isinstance(error, RunStopped) else STOPPED_BY_PERSON
        if task := asyncio.current_task():
            task.uncancel()
        state: State = Cancelled(message=message)
        note_end(state)
        return state

    return run_flow


def how_to_go_on(run: RunSummary) -> str:
    """Describe a stopped run, and how to resume it."""
    if run.can_be_resumed:
        return f"{run.message}: resume-run with run_id {run.run_id} resumes it"
    return (
        f"{run.message}: apply-plan with plan_id {run.run_id} sends it"
        if run.state is RunState.PLANNED
        else run.message
    )


def flow_run_id() -> UUID:
    """Return the id of the current flow run."""
    return UUID(runtime.flow_run.id)

"""Runs a flow from the command line: starts Prefect, shows progress, and reads the outcome from the ledger."""

import asyncio
from collections.abc import Awaitable
from copy import copy
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Final, cast

import httpx
from prefect import Flow, runtime
from prefect.client.schemas import State
from prefect.exceptions import FailedRun
from prefect.states import Failed

from armrest.app.workspace import Workspace
from armrest.outbox import LeaseHeld, RunState, RunSummary, run_of_flow_run, summary
from flows.artifacts import is_stand_in
from flows.cli.errors import NOT_ALL_SETTLED, RunInterrupted, explain
from flows.cli.output import print_error
from flows.cli.prefect_env import exit_on_sigterm, limit_retries, start_server
from flows.cli.progress import show_progress
from tasks.open_workspace import use_workspace

INTERRUPTED: Final = 130
TERMINATED: Final = 143
REPORT_RETRIES: Final = 2
"""How often Prefect's engine repeats the report of the final state, which takes six seconds."""


def run_flow(flow: Flow[..., Any], parameters: dict[str, Any]) -> RunSummary:
    """Run a flow to its end; return the outcome of its run.

    Raises:
        RunInterrupted: Something ended it after it had begun to send.
    """
    flow_run_id, run_ids = result_of(flow, parameters)
    with use_workspace() as workspace:
        own_run = run_of_flow_run(workspace.outbox.ledger, flow_run_id)
        run_id = run_ids[0] if own_run is None and run_ids else flow_run_id  # of a resume with nothing left to do
        return summary(workspace.outbox.ledger, run_id)


def run_flows(flow: Flow[..., Any], parameters: dict[str, Any]) -> list[RunSummary]:
    """Run a flow that may execute several runs, each in its own flow run; return the outcome of each.

    Raises:
        RunInterrupted: Something ended it after it had begun to send.
    """
    flow_run_id, run_ids = result_of(flow, parameters)
    with use_workspace() as workspace:
        own_run = run_of_flow_run(workspace.outbox.ledger, flow_run_id)
        return [summary(workspace.outbox.ledger, run_id) for run_id in ([own_run.run_id] if own_run else run_ids)]


def result_of(flow: Flow[..., Any], parameters: dict[str, Any]) -> tuple[str, Any]:
    """Run a flow to its end; return the id of its flow run, and the data of its final state.

    The ledger knows how a run ended. If Prefect cannot be told, a line on stderr says so, and nothing else changes.

    Raises:
        RunInterrupted: A signal ended it, or something else did after it had begun to send.
        ConnectionError: Prefect's server does not answer, and nothing was sent.
    """
    with use_workspace() as workspace, exit_on_sigterm(TERMINATED):
        try:
            # blocks are on the user's own server only
            own_server = start_server(stands_in=not workspace.settings.connection)
            if own_server:
                is_stand_in.set(True)
                print_error(f"Prefect's server at {own_server} does not answer: the run goes on with an embedded one")
            with show_progress():
                ended = asyncio.run(_run(flow, parameters))
        except KeyboardInterrupt:
            raise _interrupted(workspace, "interrupted", exit_code=INTERRUPTED) from None
        except (asyncio.CancelledError, SystemExit):
            raise _interrupted(workspace, "terminated", exit_code=TERMINATED) from None
        if own_server or ended.untold:
            print_error(_untold(workspace.run_id, ended.untold or "ConnectError"))
    assert ended.state is not None
    result = ended.error or ended.state.result(raise_on_failure=False)
    if isinstance(result, Exception) and not isinstance(result, FailedRun):
        _raise(result, ended.flow_run_id)
    return ended.flow_run_id, result


@dataclass(slots=True)
class _Ended:
    """How a flow ended, by its own account; `untold` is what keeps Prefect from knowing it."""

    flow_run_id: str = ""
    state: State | None = None
    error: Exception | None = None
    untold: str | None = None


async def _run(flow: Flow[..., Any], parameters: dict[str, Any]) -> _Ended:
    """Run a flow; what its function returns or raises counts, even if Prefect's engine cannot report it.

    Raises:
        ConnectionError: Prefect's server was gone before the flow began.
    """
    ended = _Ended()

    @wraps(flow.fn)
    async def run(*args: Any, **kwargs: Any) -> State:
        ended.flow_run_id = runtime.flow_run.id or ""
        try:
            ended.state = await flow.fn(*args, **kwargs)
        except Exception as error:
            ended.error = error
            raise
        finally:
            limit_retries(REPORT_RETRIES)
        return ended.state

    observed = copy(flow)
    observed.fn = run
    try:
        state = await cast("Awaitable[State]", observed(**parameters, return_state=True))
    except Exception as error:
        if ended.state is None and ended.error is None:
            if isinstance(error, httpx.TransportError):
                message = f"Prefect's server does not answer ({type(error).__name__}): nothing was sent; run it again"
                raise ConnectionError(message) from error
            raise
        ended.untold = type(error).__name__
        ended.state = ended.state or Failed()
        return ended
    return _Ended(str(state.state_details.flow_run_id), state)


def _untold(run_id: str | None, why: str) -> str:
    """Say that Prefect does not know how a run ended, and what brings it up to date."""
    what = f"how run {run_id} ended" if run_id else "of it"
    return f"Prefect could not be told {what} ({why}): the next settle-open-batches on its server shows it"


def _raise(error: Exception, flow_run_id: str) -> None:
    """Raise the error that ended the flow, as `RunInterrupted` if sending had begun."""
    with use_workspace() as workspace:
        run = run_of_flow_run(workspace.outbox.ledger, flow_run_id)
        if run is not None and run.started_at is not None and not isinstance(error, LeaseHeld):
            workspace.run_id = run.run_id
            raise _interrupted(workspace, explain(error).message) from error
    raise error


def _interrupted(workspace: Workspace, why: str, *, exit_code: int = NOT_ALL_SETTLED) -> RunInterrupted:
    """Describe how a run was interrupted, and how to resume it."""
    if workspace.run_id is None:
        return RunInterrupted(f"{why}; `armrest runs` shows the state of every run", exit_code=exit_code)
    message = f"run {workspace.run_id} was interrupted: {why}; continue it with `armrest resume {workspace.run_id}`"
    run = summary(workspace.outbox.ledger, workspace.run_id)
    state = run.state if run.ended else RunState.FAILED
    return RunInterrupted(message, exit_code=exit_code, run=replace(run, state=state, message=message))

"""Runs a flow from the command line: starts Prefect, shows progress, and reads the outcome from the ledger."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, Final, cast

from prefect import Flow
from prefect.client.schemas import State
from prefect.exceptions import FailedRun

from armrest.app.workspace import Workspace
from armrest.outbox import LeaseHeld, RunState, RunSummary, run_of_flow_run, summary
from flows.cli.errors import NOT_ALL_SETTLED, RunInterrupted, explain
from flows.cli.prefect_env import exit_on_sigterm, start_server
from flows.cli.progress import show_progress
from tasks.open_workspace import use_workspace

INTERRUPTED: Final = 130
TERMINATED: Final = 143


def run_flow(flow: Flow[..., Any], parameters: dict[str, Any]) -> RunSummary:
    """Run a flow to its end; return the outcome of its run.

    Raises:
        RunInterrupted: Something ended it after it had begun to send.
    """
    flow_run_id, _ = result_of(flow, parameters)
    with use_workspace() as workspace:
        return summary(workspace.outbox.ledger, flow_run_id)


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

    Raises:
        RunInterrupted: A signal ended it, or something else did after it had begun to send.
    """
    with use_workspace() as workspace, exit_on_sigterm(TERMINATED):
        try:
            start_server()
            with show_progress():
                state = asyncio.run(_state_of(flow, parameters))
        except KeyboardInterrupt:
            raise _interrupted(workspace, "interrupted", exit_code=INTERRUPTED) from None
        except (asyncio.CancelledError, SystemExit):
            raise _interrupted(workspace, "terminated", exit_code=TERMINATED) from None
    flow_run_id = str(state.state_details.flow_run_id)
    result = state.result(raise_on_failure=False)
    if isinstance(result, Exception) and not isinstance(result, FailedRun):
        _raise(result, flow_run_id)
    return flow_run_id, result


async def _state_of(flow: Flow[..., Any], parameters: dict[str, Any]) -> State:
    return await cast("Awaitable[State]", flow(**parameters, return_state=True))


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

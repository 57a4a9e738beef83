"""A flow carried out by the command line: Prefect started, progress shown, the end told."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, cast

from prefect import Flow
from prefect.client.schemas import State
from prefect.exceptions import FailedRun

from armrest.outbox import run_of_flow_run, summary
from flows.cli.output import print_summary, tell
from flows.cli.prefect_env import start_server
from flows.cli.progress import shown
from flows.cli.refusals import BrokenOff, explain
from tasks.connection import connection

INTERRUPTED: Final = 130
TERMINATED: Final = 143


def carry_out(flow: Flow[..., Any], parameters: dict[str, Any], *, as_json: bool) -> int:
    """Run a flow to its end; return the command's exit code."""
    start_server()
    try:
        with shown():
            state = asyncio.run(_state_of(flow, parameters))
    except KeyboardInterrupt:
        return _stopped("interrupted", INTERRUPTED)
    except asyncio.CancelledError:
        return _stopped("terminated", TERMINATED)
    flow_run_id = str(state.state_details.flow_run_id)
    error = state.result(raise_on_failure=False)
    if isinstance(error, Exception) and not isinstance(error, FailedRun):
        _raise(error, flow_run_id)
    with connection() as here:
        return print_summary(summary(here.outbox.ledger, flow_run_id), as_json=as_json)


async def _state_of(flow: Flow[..., Any], parameters: dict[str, Any]) -> State:
    return await cast("Awaitable[State]", flow(**parameters, return_state=True))


def _stopped(how: str, exit_code: int) -> int:
    tell(f"armrest: {how}; `armrest runs` names the run, `armrest resume RUN_ID` carries it on")
    return exit_code


def _raise(error: Exception, flow_run_id: str) -> None:
    """Raise what ended the flow; where sending had begun, it is no mere refusal.

    Raises:
        BrokenOff: Something may have been sent.
    """
    with connection() as here:
        run = run_of_flow_run(here.outbox.ledger, flow_run_id)
    if run is not None and run.started_at is not None:
        raise BrokenOff(
            f"run {run.run_id} broke off: {explain(error).message}; `armrest resume {run.run_id}`"
        ) from error
    raise error

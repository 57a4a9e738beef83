"""A flow carried out by the command line: Prefect started, progress shown, the end read from the ledger."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, cast

import typer
from prefect import Flow
from prefect.client.schemas import State
from prefect.exceptions import FailedRun

from armrest.outbox import LeaseHeld, RunSummary, run_of_flow_run, summary
from flows.cli.output import tell
from flows.cli.prefect_env import start_server
from flows.cli.progress import shown
from flows.cli.refusals import BrokenOff, explain
from tasks.connection import connection

TERMINATED: Final = 143
CARRY_ON: Final = "`armrest runs` names the run, `armrest resume RUN_ID` carries it on"


def carry_out(flow: Flow[..., Any], parameters: dict[str, Any]) -> RunSummary:
    """Run a flow to its end; return what became of its run.

    Raises:
        BrokenOff: Something ended it after it had begun to send.
    """
    flow_run_id, _ = result_of(flow, parameters)
    with connection() as here:
        return summary(here.outbox.ledger, flow_run_id)


def carry_out_all(flow: Flow[..., Any], parameters: dict[str, Any]) -> list[RunSummary]:
    """Run a flow that may carry several runs, each in a flow run of its own; return what became of each.

    Raises:
        BrokenOff: Something ended it after it had begun to send.
    """
    flow_run_id, run_ids = result_of(flow, parameters)
    with connection() as here:
        mine = run_of_flow_run(here.outbox.ledger, flow_run_id)
        return [summary(here.outbox.ledger, run_id) for run_id in ([mine.run_id] if mine else run_ids)]


def result_of(flow: Flow[..., Any], parameters: dict[str, Any]) -> tuple[str, Any]:
    """Run a flow to its end; return the id of its flow run, and what its last state carries.

    Raises:
        BrokenOff: Something ended it after it had begun to send.
    """
    start_server()
    try:
        with shown():
            state = asyncio.run(_state_of(flow, parameters))
    except KeyboardInterrupt:
        tell(f"armrest: interrupted; {CARRY_ON}")
        raise
    except asyncio.CancelledError:
        tell(f"armrest: terminated; {CARRY_ON}")
        raise typer.Exit(TERMINATED) from None
    flow_run_id = str(state.state_details.flow_run_id)
    result = state.result(raise_on_failure=False)
    if isinstance(result, Exception) and not isinstance(result, FailedRun):
        _raise(result, flow_run_id)
    return flow_run_id, result


async def _state_of(flow: Flow[..., Any], parameters: dict[str, Any]) -> State:
    return await cast("Awaitable[State]", flow(**parameters, return_state=True))


def _raise(error: Exception, flow_run_id: str) -> None:
    """Raise what ended the flow; where sending had begun, it is no mere refusal."""
    with connection() as here:
        run = run_of_flow_run(here.outbox.ledger, flow_run_id)
    if run is not None and run.started_at is not None and not isinstance(error, LeaseHeld):
        what = explain(error).message
        raise BrokenOff(f"run {run.run_id} broke off: {what}; `armrest resume {run.run_id}` carries it on") from error
    raise error

"""The flow `submit-slices`: a worker sends its shard of a run of `update-customers`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Completed, Failed
from pydantic import Field

from armrest.api import StopTheRun
from armrest.app.durations import Duration, seconds_in
from armrest.app.workspace import Workspace, join_client, open_delivery
from armrest.outbox import Run, RunState, Shard, find_run, is_done, note_stop, unsent_batches
from armrest.plurals import quantity
from flows.steps import REFUSED_BY_ARM, cancelled_by_sigterm, send_slices, stoppable
from tasks.open_workspace import use_workspace

Count = Annotated[int, Field(ge=1)]


def name_of_run() -> str:
    """Name run, slices and attempt in the list of runs."""
    parameters = runtime.flow_run.parameters
    return f"{parameters['run_id']} · {parameters['first_slice']}-{parameters['last_slice']} · {parameters['attempt']}"


@flow(name="submit-slices", flow_run_name=name_of_run, retries=0)
@stoppable
async def submit_slices(
    run_id: str, first_slice: Count, last_slice: Count, attempt: Count = 1, deadline: Duration = "30m"
) -> State:
    """Send some slices of a run, and wait until ARM has finished them; the flow update-customers starts the run.

    The flow never sends again what ARM has acknowledged. It sends nothing if another worker has taken over the slices.

    Args:
        run_id: The run, which must have started.
        first_slice: The first slice to send.
        last_slice: The last slice to send.
        attempt: The number of this attempt at the slices; a later attempt takes them over from an earlier one.
        deadline: Stop after this long (90s, 30m, 2h). The run can be resumed then.
    """
    shard = Shard(first_slice, last_slice, attempt)
    with use_workspace() as workspace:
        run = find_run(workspace.outbox.ledger, run_id)
        try:
            async with (
                join_client(workspace, run, shard),
                _noting_cancel(workspace, run),
                open_delivery(workspace, run, deadline_seconds=seconds_in(deadline)),
            ):
                await send_slices(workspace, run, range(first_slice, last_slice + 1))
        except StopTheRun as error:
            return Failed(name=REFUSED_BY_ARM, message=str(error))
        if is_done(workspace.outbox.ledger, run, shard):
            return Completed(message=f"slices {shard.name} are done")
        if unsent := unsent_batches(workspace.outbox.ledger, run, shard):
            return Failed(name=RunState.STOPPED, message=f"slices {shard.name}: {quantity(unsent, 'batch')} not sent")
        return Failed(name=RunState.UNSETTLED, message=f"slices {shard.name} still have open batches")


@asynccontextmanager
async def _noting_cancel(workspace: Workspace, run: Run) -> AsyncIterator[None]:
    """Record if a person cancels this shard, so that no other worker takes it over.

    If a machine stopped the shard, another worker sends it.
    """
    with cancelled_by_sigterm() as stop:
        try:
            yield
        except asyncio.CancelledError:
            if await stop.by() == "person":
                note_stop(workspace.outbox.ledger, run, "person", lease=workspace.lease)
            raise

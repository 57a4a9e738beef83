"""Send a run without Prefect: take the client's lease, plan, send the slices, and record the outcome in the ledger.

`flows.steps.send_run` does the same with Prefect tasks, reports and workers.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from armrest.api import StopTheRun
from armrest.app.plan_run import plan_run
from armrest.app.run_step import note_end, run_step
from armrest.app.watcher import watcher
from armrest.app.workspace import Workspace, hold_client, open_delivery
from armrest.delivery import finish, finish_stopped, send_and_poll_slices
from armrest.outbox import (
    LeaseHeld,
    LeaseLost,
    OutboxError,
    Run,
    RunState,
    RunSummary,
    apply_plan,
    batch_views,
    find_run,
    give_up_waiting,
    note_resumed,
    summary,
)


async def run_to_completion(
    workspace: Workspace, run: Run, *, deadline_seconds: float, wait_seconds: float = 0.0
) -> RunSummary:
    """Plan a run if it is not planned, send it, wait until ARM has finished it, and return its outcome.

    Safe to call again after any crash: it plans nothing twice, and never sends again what ARM has acknowledged.

    Raises:
        LeaseHeld: Another run is sending for the client, even after the wait.
        OutboxError: The run is made for several workers, which needs Prefect.
        OSError: The source cannot be read at the moment; the ledger has the run as Failed.
    """
    if run.request.shards > 1:
        raise OutboxError(f"run {run.run_id} is sent by {run.request.shards} workers: resume it with resume-run")
    with run_step(run) as ran:
        ended = await _run(workspace, run, deadline_seconds, wait_seconds)
        note_end(ran, ended)
    return ended


async def _run(workspace: Workspace, run: Run, deadline_seconds: float, wait_seconds: float) -> RunSummary:
    ledger, workspace.run_id = workspace.outbox.ledger, run.run_id
    try:
        async with hold_client(workspace, run, wait_seconds=wait_seconds), _noting_stop(workspace, run):
            note_resumed(ledger, find_run(ledger, run.run_id), workspace.held_lease)
            if await plan_in_thread(workspace, run) is not RunState.INPUT_REJECTED and not run.request.dry_run:
                await _send(workspace, find_run(ledger, run.run_id), deadline_seconds)
    except LeaseHeld as held:
        if vars(held).get("holder_run_id") != run.run_id:
            give_up_waiting(ledger, run, held.message)
        raise
    return summary(ledger, run.run_id)


async def send_plan(
    workspace: Workspace, plan: Run, *, deadline_seconds: float, wait_seconds: float = 0.0
) -> RunSummary:
    """Turn a plan into a run that may be sent, and run it to completion.

    Raises:
        OutboxError: The run is not a plan, or a later run has sent some of its customers.
        LeaseHeld: Another run is sending for the client, even after the wait.
    """
    async with hold_client(workspace, plan, wait_seconds=wait_seconds) as lease, _noting_stop(workspace, plan):
        run = apply_plan(workspace.outbox.ledger, plan, lease)
        return await run_to_completion(workspace, run, deadline_seconds=deadline_seconds)


async def plan_in_thread(workspace: Workspace, run: Run) -> RunState:
    """Plan a run in a thread and return its state. If this coroutine is cancelled, the thread ends soon."""
    stop = threading.Event()
    try:
        planned = await asyncio.to_thread(plan_run, workspace, run, stop=stop)
    finally:
        stop.set()
    return planned.state


@asynccontextmanager
async def _noting_stop(workspace: Workspace, run: Run) -> AsyncIterator[None]:
    """Record in the ledger that the caller stopped a run, by Ctrl-C or by cancelling its task."""
    try:
        yield
    except asyncio.CancelledError:
        finish_stopped(workspace.outbox, run, "person", lease=workspace.lease)
        raise


async def _send(workspace: Workspace, run: Run, deadline_seconds: float) -> None:
    """Send all slices concurrently, and record the outcome."""
    stopped = ""
    try:
        async with open_delivery(workspace, run, deadline_seconds=deadline_seconds) as delivery:

            async def submit(slice_no: int) -> None:
                await delivery.submit(slice_no)
                await _tell_watcher(workspace, run)

            async def poll(slice_no: int) -> None:
                await delivery.poll(slice_no)
                await _tell_watcher(workspace, run)

            slices = range(1, run.slices + 1)
            await send_and_poll_slices(slices, submit=submit, poll=poll, concurrency=workspace.settings.concurrency)
    except LeaseLost:
        raise  # the run belongs to another process now: this one may not write about it
    except (StopTheRun, OutboxError) as error:
        stopped = str(error)
    finish(workspace.outbox, run, workspace.held_lease, stopped=stopped)


async def _tell_watcher(workspace: Workspace, run: Run) -> None:
    if look := watcher.get():
        look.sending(run.run_id, await asyncio.to_thread(batch_views, workspace.outbox.ledger, run))

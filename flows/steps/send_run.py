"""What all flows that send share: the client's lease, the plan, sending slice by slice, and the final state."""

from collections.abc import Awaitable
from typing import cast

from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.api import StopTheRun
from armrest.app.browser_words import browser_words
from armrest.app.durations import seconds_in
from armrest.app.open_run import link_flow_run
from armrest.app.run_step import note_end, run_step
from armrest.app.workspace import Workspace, hold_client, open_delivery
from armrest.delivery import finish, send_and_poll_slices
from armrest.outbox import (
    LeaseHeld,
    LeaseLost,
    OutboxError,
    Run,
    RunState,
    RunSummary,
    StoppedBy,
    find_run,
    give_up_waiting,
    is_closed,
    is_submitted,
    note_resumed,
    summary,
)
from armrest.outbox import apply_plan as apply_plan_of
from armrest.plurals import quantity
from flows.artifacts import emit_materialization, reasons_line, reporting
from flows.steps.dispatch_shards import ShardCancelled, dispatch_shards
from flows.steps.sigterm import flow_run_id, noting_stop, reporting_stop
from tasks.caching import cached_if
from tasks.chunk import PlanRefused, chunk
from tasks.poll_batch_status import CUSTOMERS_REFUSED, poll_batch_status
from tasks.submit_batch import submit_batch


async def run_to_completion(workspace: Workspace, run: Run, *, deadline: str, wait: str) -> State:
    """Plan a run if it is not planned, send it, wait until ARM has finished it, and return its final state.

    Safe to call again after any crash: it plans nothing twice, and never sends again what ARM has acknowledged.

    Raises:
        LeaseHeld: Another run is sending for the client, even after the wait.
    """
    workspace.run_id = run.run_id
    with run_step(run) as ran:
        ended = await _run(workspace, run, deadline=deadline, wait=wait)
        note_end(ran, ended)
    emit_materialization(run, ended)
    return end_state(ended)


async def _run(workspace: Workspace, run: Run, *, deadline: str, wait: str) -> RunSummary:
    try:
        async with (
            reporting_stop(workspace, run),
            reporting(workspace.outbox, run, flow_run_id(), seconds=workspace.settings.prefect_seconds) as report,
            hold_client(workspace, run, wait_seconds=seconds_in(wait)),
            noting_stop(workspace, run),
        ):
            note_resumed(workspace.outbox.ledger, find_run(workspace.outbox.ledger, run.run_id), workspace.held_lease)
            async with report.renewing():
                await _plan_and_send(workspace, run, seconds_in(deadline))
            report.is_due = True
    except LeaseHeld as held:
        if vars(held).get("holder_run_id") != run.run_id:
            give_up_waiting(workspace.outbox.ledger, run, held.message)
        raise
    return summary(workspace.outbox.ledger, run.run_id)


async def send_plan(workspace: Workspace, plan: Run, *, deadline: str, wait: str) -> State:
    """Turn a plan into a run that may be sent, and run it to completion.

    Raises:
        OutboxError: The run is not a plan, or a later run has sent some of its customers.
        LeaseHeld: Another run is sending for the client, even after the wait.
    """
    async with (
        reporting(workspace.outbox, plan, flow_run_id(), seconds=workspace.settings.prefect_seconds),
        noting_stop(workspace, plan),
        hold_client(workspace, plan, wait_seconds=seconds_in(wait)) as lease,
    ):
        run = link_flow_run(workspace, apply_plan_of(workspace.outbox.ledger, plan, lease), str(flow_run_id()))
        return await run_to_completion(workspace, run, deadline=deadline, wait=wait)


async def _plan_and_send(workspace: Workspace, run: Run, deadline_seconds: float) -> None:
    try:
        is_planned = find_run(workspace.outbox.ledger, run.run_id).planned_at is not None
        await cached_if(is_planned, chunk)(run.run_id, run.client_no)
    except PlanRefused:
        pass  # the ledger has the reason, and the flow run's state shows it
    except OSError:
        pass  # the ledger has this error too: the run is Failed, and can be resumed
    else:
        if not run.request.dry_run:
            await _send(workspace, find_run(workspace.outbox.ledger, run.run_id), deadline_seconds)


async def _send(workspace: Workspace, run: Run, deadline_seconds: float) -> None:
    """Send all slices concurrently, and record the outcome."""
    stopped = ""
    by: StoppedBy | None = None
    try:
        async with open_delivery(workspace, run, deadline_seconds=deadline_seconds) as delivery:
            if run.request.shards > 1:
                await delivery.send_first()  # so not every worker runs into a run-wide fault
                await dispatch_shards(workspace, run, deadline_seconds=delivery.seconds_left())
            else:
                await send_slices(workspace, run, range(1, run.slices + 1))
    except LeaseLost:
        raise  # the run belongs to another process now: this one may not write about it
    except ShardCancelled as error:
        stopped, by = str(error), "person"
    except (StopTheRun, OutboxError) as error:
        stopped = str(error)
    finish(workspace.outbox, run, workspace.held_lease, stopped=stopped, stopped_by=by)


async def send_slices(workspace: Workspace, run: Run, slices: range) -> None:
    """Submit and poll slices as Prefect tasks, whose cached results count only if the ledger agrees with them.

    Raises:
        StopTheRun, OutboxError: As `send_and_poll_slices`.
    """
    ledger = workspace.outbox.ledger

    async def submit(slice_no: int) -> None:
        task = cached_if(is_submitted(ledger, run, slice_no), submit_batch)
        await task(run.run_id, run.client_no, slice_no)

    async def poll(slice_no: int) -> None:
        task = cached_if(is_closed(ledger, run, slice_no), poll_batch_status)
        state = await cast("Awaitable[State]", task(run.run_id, run.client_no, slice_no, return_state=True))
        if state.name != CUSTOMERS_REFUSED:
            await state.aresult()  # raises what ended the task

    await send_and_poll_slices(slices, submit=submit, poll=poll, concurrency=workspace.settings.concurrency)


def end_state(run: RunSummary) -> State:
    """Return the flow run's state: `Completed`, or `Failed` with a name that gives the reason."""
    if run.state is RunState.PLANNED:
        return Completed(message=f"dry run: {quantity(run.batches.planned, 'batch')} planned, nothing sent")
    if run.state is RunState.COMPLETED:
        return Completed(message=run.message)
    reasons = f"; why: {reasons_line(run)}" if run.failed_why else ""
    return Failed(name=run.state, message=f"{browser_words(run.message)}{reasons}")

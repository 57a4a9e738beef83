"""The flow `settle-open-batches`: asks ARM again about every open batch, and closes those that ARM has finished."""

from dataclasses import replace
from typing import Final

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.durations import Duration, seconds_in
from armrest.app.unread import assert_readable, left_unread
from armrest.app.workspace import ConnectionName, Workspace, arm_client, delivery_options, required_api_url
from armrest.delivery import Acceptance, Sweep, sweep
from armrest.outbox import unreported_runs
from flows.artifacts import Outage, crashed_after_the_end, emit_open_too_long, report_later, sweep_markdown
from flows.form import form
from flows.parameters import AcceptedBy, BatchUuid
from flows.steps import cancelled_by_sigterm, carry_on, explained, note_stopped_runs
from flows.typed_values import take_out_left_values
from tasks.open_workspace import use_workspace

OWN_REPORT_TIMES: Final = 2
"""A run that has just ended may still tell Prefect itself: it has this many times `prefect_seconds` for that."""


@flow(name="settle-open-batches", flow_run_name="open batches of all clients", retries=0)
@form()
@explained
async def settle_open_batches(
    declare_lost: list[BatchUuid] | None = None,
    lost_after: Duration | None = None,
    deadline: Duration = "1m",
    *,
    accept: list[BatchUuid] | None = None,
    reason: str = "",
    accepted_by: AcceptedBy = "a person in Prefect",
    connection: ConnectionName = "",
) -> State:
    """Ask ARM again about every open batch of all clients, and close those that it has finished.

    The artifacts of their runs are updated. A run gets the state `SettledLater` when ARM has finished all of its
    batches. Customers that waited for such a batch are sent, except those of a run that a person stopped. Runs that a
    machine stopped are resumed, each in its own flow run. Clients for which a run is sending are skipped. The new
    values of a single update that ended before it started are removed from Prefect.

    Args:
        declare_lost: batchUuids to declare lost if ARM still has not finished them; a rerun sends their customers
            again.
        lost_after: Declare batches lost if they are open for longer than this (7d). Empty: none.
        deadline: Stop sending after this long (90s, 30m, 2h).
        accept: batchUuids to close as updated on your responsibility, if ARM still gives no clear answer. Check the
            answer first, in the run's artifact arm-batches-…. Customers that ARM names as failed stay failed.
        reason: Why you accept these batches. It is stored and shown, so name no person in it.
        accepted_by: Who accepts them.
        connection: The block ArmConnection of the ARM to ask. Empty: the ARM of the settings.
    """
    acceptance = Acceptance(uuids=frozenset(accept), by=accepted_by, reason=reason) if accept else None
    with use_workspace(connection) as workspace:
        assert_readable(workspace.outbox, workspace.settings, [*(accept or ()), *(declare_lost or ())])
        outage = Outage(workspace.settings.prefect_seconds)
        stopped = await note_stopped_runs(workspace, outage)
        async with arm_client(workspace.settings, updates=True) as arm:
            with cancelled_by_sigterm():
                result = await sweep(
                    workspace.outbox,
                    arm,
                    api_url=required_api_url(workspace.settings),
                    options=delivery_options(workspace.settings, seconds_in(deadline)),
                    open_too_long_seconds=workspace.settings.open_too_long_seconds,
                    clients=workspace.settings.clients,
                    accept=acceptance,
                    lost=declare_lost or (),
                    lost_after_seconds=seconds_in(lost_after) if lost_after else None,
                )
        result = replace(result, left_unread=[*left_unread(workspace.outbox, workspace.settings)])
        await carry_on(workspace, stopped, outage)
        async with outage.best_effort("values of updates that did not begin stay in Prefect"):
            await take_out_left_values()
        await _show(workspace, result, outage)
    emit_open_too_long(result.too_old)
    return end_state(result)


async def _show(workspace: Workspace, result: Sweep, outage: Outage) -> None:
    """Update in Prefect what the sweep has changed, and the runs that could not be reported to Prefect."""
    ledger = workspace.outbox.ledger
    async with outage.best_effort("the artifact arm-open-batches is outdated"):
        await acreate_markdown_artifact(sweep_markdown(result), key="arm-open-batches", description=result.message)
    ended_before = ledger.now() - OWN_REPORT_TIMES * outage.seconds
    untold = unreported_runs(ledger, required_api_url(workspace.settings), ended_before=ended_before)
    crashed = await crashed_after_the_end(ledger, outage=outage)
    for run_id in dict.fromkeys([*(run.run_id for run in result.runs), *untold, *crashed]):
        if not await report_later(workspace.outbox, run_id, outage=outage):
            return  # the next sweep does the rest


def end_state(result: Sweep) -> State:
    """Return the flow run's state: `Failed` if a batch is open for too long, because a person must check it."""
    if result.too_old:
        return Failed(name="OpenTooLong", message=result.message, data=result)
    return Completed(message=result.message, data=result)

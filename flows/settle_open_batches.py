"""The flow `settle-open-batches`: what was open is asked about again, and closed on the run that it belongs to."""

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.durations import Duration, seconds_in
from armrest.app.workspace import ConnectionName, arm_client, delivery_options, required_api_url
from armrest.delivery import Acceptance, Sweep, sweep
from flows.artifacts import emit_open_too_long, sweep_markdown, update_flow_runs
from flows.parameters import AcceptedBy, BatchUuid
from flows.steps import cancelled_by_sigterm, note_cancelled_runs
from tasks.open_workspace import workspace as connected


@flow(name="settle-open-batches", flow_run_name="open batches of all clients", retries=0)
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
    """Ask about all batches again that ARM had not settled yet, of all clients, and close what is done.

    The runs that they belong to get a new version of their artifacts, and the state `SettledLater` where all of
    theirs is settled by now. Customers that had to wait for such a batch are sent, except those of a run that a
    person stopped. Clients that a run is sending for just now are skipped.

    Args:
        declare_lost: batchUuids to give up where ARM still has no last word on them; a rerun sends their customers
            anew.
        lost_after: Give up every batch that is open for longer than this (7d). Empty: none.
        deadline: End after this long, where something is to be sent (90s, 30m, 2h).
        accept: batchUuids to close as settled by your word, where ARM still has no last word on them. Look at the
            answer first: armrest show RUN_ID. Customers that ARM names as failed stay failed.
        reason: Why these batches are accepted. It is kept and shown, so name no person in it.
        accepted_by: Who accepts them.
        connection: Which ARM is asked: the name of a block ArmConnection. Empty: the settings'.
    """
    acceptance = Acceptance(uuids=frozenset(accept), by=accepted_by, reason=reason) if accept else None
    with connected(connection) as here:
        await note_cancelled_runs(here.outbox, required_api_url(here.settings))
        async with arm_client(here.settings, updates=True) as arm:
            with cancelled_by_sigterm():
                found = await sweep(
                    here.outbox,
                    arm,
                    api_url=required_api_url(here.settings),
                    options=delivery_options(here.settings, seconds_in(deadline)),
                    open_too_long_seconds=here.settings.open_too_long_seconds,
                    clients=here.settings.clients,
                    accept=acceptance,
                    lost=declare_lost or (),
                    lost_after_seconds=seconds_in(lost_after) if lost_after else None,
                )
        for run in found.runs:
            await update_flow_runs(here.outbox, run.run_id)
    emit_open_too_long(found.too_old)
    await acreate_markdown_artifact(sweep_markdown(found), key="arm-open-batches", description=found.message)
    return end_state(found)


def end_state(found: Sweep) -> State:
    """Return the flow run's state; a batch that is open for too long is a failure that somebody must look into."""
    if found.too_old:
        return Failed(name="OpenTooLong", message=found.message, data=found)
    return Completed(message=found.message, data=found)

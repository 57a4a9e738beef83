"""The flow `update-customers`: sends a customer file to ARM."""

from typing import Annotated, Literal

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Failed
from pydantic import Field

from armrest.app.browser_words import browser_words
from armrest.app.durations import Duration
from armrest.app.open_run import (
    find_run_of_flow_run,
    hit_guard_rail,
    link_flow_run,
    open_plan_for_approval,
    open_update,
)
from armrest.app.source_options import SourceOptions, places_of
from armrest.app.workspace import ConnectionName, arm_client
from armrest.intake import InputRefused
from armrest.model import Mode
from armrest.outbox import RunState
from flows.artifacts import emit_nightly
from flows.form import form
from flows.parameters import ClientNo, ClientNoIsRight, UserId, is_deployed, name_of_source, person
from flows.rerun_failed_batches import rerun_failed_batches
from flows.retry import continue_run
from flows.source_parameters import RAILS, with_source_parameters
from flows.steps import (
    Sample,
    flow_run_id,
    needs_approval,
    send_if_approved,
    stoppable,
    verify_sample_of_run,
)
from tasks.open_workspace import use_workspace

OnGuard = Literal["refuse", "ask"]
ASKING = ("on_guard", "approve_within")
Shards = Annotated[int, Field(ge=1, le=64)]
BatchSize = Annotated[int, Field(ge=1, le=100_000)]


@flow(name="update-customers", flow_run_name=name_of_source, retries=0)
@form("source", "client_no", "dry_run", "changes_only", *RAILS, *ASKING, "client_no_is_right", "connection")
@stoppable
@with_source_parameters
async def update_customers(
    client_no: ClientNo,
    *,
    connection: ConnectionName = "",
    reading: SourceOptions,
    on_guard: OnGuard = "refuse",
    approve_within: Duration = "12h",
    user_id: UserId | None = None,
    mode: Mode = "update",
    batch_size: BatchSize | None = None,
    deadline: Duration = "30m",
    wait: Duration = "0s",
    verify_sample: Sample | None = None,
    dry_run: bool = False,
    shards: Shards = 1,
    client_no_is_right: ClientNoIsRight = 0,
) -> State:
    """Send a customer file to ARM: update every customer in it, and send nothing twice.

    The flow reads and checks the whole file first, and sends nothing if the file is invalid. The artifacts show the
    outcome: `arm-run-…` is a summary, `arm-batches-…` lists every batch with its batchUuid, and
    `arm-failed-customers-…` lists every customer that ARM rejected, with the reason.

    Args:
        client_no: The client's number in ARM, for example 2218.
        connection: The block ArmConnection to send through, such as staging. Empty: the ARM of the settings.
        reading: The source and how it is read, each option as a parameter of its own.
        on_guard: What to do when a limit other than max_rejected is hit, the file is not like the last ones, or the
            customers look like another client's. refuse sends nothing; ask pauses, shows the plan, and waits for a
            person to approve or refuse it in this UI.
        approve_within: How long ask waits; without an answer, the plan is not sent (12h).
        user_id: User id that ARM records as the author. Empty: the user id in the settings.
        mode: update changes existing customers; upsert also creates new ones.
        batch_size: Maximum number of customers per batch. 0: the batch size in the settings, 1000.
        deadline: Stop this long after sending has started (30m, 2h, 5 minutes). The run can be resumed then.
        wait: How long to wait if another run is sending for this client (10m).
        verify_sample: After sending, compare this many random updated customers with ARM; 0: none. If one differs, the
            flow run fails as Drift.
        dry_run: Read, check and plan, but send nothing.
        shards: Number of workers that send in parallel, each a part of the run, in the deployment submit-slices/shard.
            More than 1 needs the ledger on PostgreSQL and the bodies on an object store. They share one rate limit.
        client_no_is_right: A file is not sent if its customers look like another client's. If the client number is
            right, repeat it here, once for each source; 0 confirms nothing.
    """
    emit_nightly(client_no, tags=runtime.flow_run.tags)
    if client_no_is_right not in {0, client_no}:
        message = f"client_no_is_right is {client_no_is_right}, but client_no is {client_no}: repeat client_no, or 0"
        return Failed(name=RunState.INPUT_REJECTED, message=message)
    with use_workspace(connection) as workspace:
        run = find_run_of_flow_run(workspace, str(flow_run_id()))
        if run is None:
            if not dry_run:  # report missing settings before the file is read
                arm_client(workspace.settings, client_no=client_no, updates=True)
            try:
                run = open_update(
                    workspace,
                    reading=reading,
                    client_no=client_no,
                    user_id=user_id,
                    mode=mode,
                    batch_size=batch_size,
                    dry_run=dry_run,
                    shards=shards,
                    client_confirmed_by=person() if client_no_is_right else None,
                    places=places_of(workspace.settings) if is_deployed() else None,
                )
            except InputRefused as refusal:
                return Failed(name=RunState.INPUT_REJECTED, message=browser_words(refusal.message))
            link_flow_run(workspace, run, str(flow_run_id()))
        if needs_approval(run):
            state = await send_if_approved(workspace, run, within=approve_within, deadline=deadline, wait=wait)
            return await verify_sample_of_run(workspace, run, state, sample=verify_sample)
        state = await continue_run(workspace, run, rerun=rerun_failed_batches, deadline=deadline, wait=wait)
        if on_guard == "ask" and hit_guard_rail(workspace, run):
            plan = link_flow_run(workspace, open_plan_for_approval(workspace, run), str(flow_run_id()))
            state = await send_if_approved(workspace, plan, within=approve_within, deadline=deadline, wait=wait)
            return await verify_sample_of_run(workspace, plan, state, sample=verify_sample)
        return await verify_sample_of_run(workspace, run, state, sample=verify_sample)

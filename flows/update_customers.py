"""The flow `update-customers`: a customer file becomes updated customers in ARM."""

from typing import Annotated, Literal

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Failed
from pydantic import Field

from armrest.app.durations import Duration
from armrest.app.open_run import (
    find_run_of_flow_run,
    hit_guard_rail,
    link_flow_run,
    open_plan_for_approval,
    open_update,
)
from armrest.app.source_options import (
    AddressPolicy,
    Clear,
    DuplicatePolicy,
    Limit,
    Share,
    SourceName,
    SourceOptions,
    places_of,
    source_name,
)
from armrest.app.workspace import ConnectionName, arm_client
from armrest.intake import InputRefused
from armrest.model import Mode
from flows.parameters import ClientNo, ClientNoIsRight, UserId, is_deployed, person
from flows.steps import (
    Sample,
    flow_run_id,
    needs_approval,
    run_to_completion,
    send_if_approved,
    stoppable,
    verify_sample_of_run,
)
from tasks.open_workspace import workspace as connected

OnGuard = Literal["refuse", "ask"]
Shards = Annotated[int, Field(ge=1, le=64)]
BatchSize = Annotated[int, Field(ge=1, le=100_000)]


def name_of_run() -> str:
    """Tell client and source in the list of runs."""
    given = runtime.flow_run.parameters
    return f"{given['client_no']} · {source_name(given['source'])}"


@flow(name="update-customers", flow_run_name=name_of_run, retries=0)
@stoppable
async def update_customers(
    source: SourceName,
    client_no: ClientNo,
    *,
    connection: ConnectionName = "",
    encoding: str | None = None,
    mapping: str | None = None,
    clear: tuple[Clear, ...] = (),
    address_policy: AddressPolicy = "refuse",
    duplicates: DuplicatePolicy = "error",
    changes_only: bool = False,
    max_rejected: Limit = "5%",
    max_changed: Share | None = None,
    min_rows: Share | None = None,
    max_source_age: Duration | None = None,
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
    """Bring a customer file over to ARM: every customer in it is updated there, and nothing is sent twice.

    The whole file is read and checked first; a file that is at fault sends nothing. Afterwards the artifacts say
    what became of it: `arm-run-…` tells it in words, `arm-batches-…` has every batch with its batchUuid,
    `arm-failed-customers-…` every customer that ARM refused, and why.

    Args:
        source: The customer file: its name in ARMREST_INBOX, a folder or glob there, an address or path that begins
            with one of ARMREST_SOURCE_PREFIXES, such as s3://bucket/, or sql:NAME of ARMREST_SOURCES.
        client_no: The client's number in ARM, for example 2218.
        connection: Which ARM it goes to: the name of a block ArmConnection, such as staging. Empty: the settings'.
        encoding: How a CSV is encoded, for example cp865. Empty: by its BOM, else UTF-8, else Windows-1252.
        mapping: The mapping file in ARMREST_MAPPINGS, which says which column holds which of ARM's fields. Empty: the
            columns have ARM's names.
        clear: Fields of which an empty cell blanks what ARM has. All others are kept.
        address_policy: What becomes of a file that has columns for a part of the address only. refuse sends nothing;
            replace blanks the other parts in ARM; merge reads each such customer from ARM first, and keeps them.
        duplicates: When a customer stands in several rows. error sends nothing; last and first take that row; merge
            puts them together where they agree.
        changes_only: Leave out customers who are as they were when last settled.
        max_rejected: Send nothing when more rows than this are at fault: a number (12) or a share (5%).
        max_changed: Send nothing when more of the known customers than this would change (20%).
        min_rows: Send nothing when the file has fewer rows than this share of the last run's (50%).
        max_source_age: Send nothing when the file was written longer ago than this (26h).
        on_guard: When one of the last three limits is hit, or the customers look like another client's. refuse sends
            nothing; ask pauses, shows the plan, and waits for somebody to approve or refuse it in this UI.
        approve_within: How long ask waits; no answer is a refusal (12h).
        user_id: Who the update is by, as ARM knows the user. Empty: the one in the settings.
        mode: update changes customers; upsert also creates those that ARM does not have.
        batch_size: Customers per batch, at most. Empty: the one in the settings, 1000.
        deadline: End after this long, counted from the start of sending (90s, 30m, 2h). What is open then can be
            carried on.
        wait: How long to wait when another run is sending for this client (10m).
        verify_sample: Afterwards, read so many of the updated customers at random from ARM and compare them with what
            was sent; where one differs, the flow run fails as Drift.
        dry_run: Read, check and plan, but send nothing.
        shards: Workers that send side by side, each its part, by the deployment submit-slices/shard. More than 1 needs
            the ledger on PostgreSQL and the bodies on an object store. They share one pace.
        client_no_is_right: A file whose customers look like another client's sends nothing. If the client number is
            right all the same, repeat it here. It is asked once for each source; 0 says nothing.
    """
    if client_no_is_right not in {0, client_no}:
        message = f"client_no_is_right is {client_no_is_right}, but client_no is {client_no}: repeat client_no, or 0"
        return Failed(name="InputRejected", message=message)
    reading = SourceOptions(
        source=source,
        encoding=encoding,
        mapping=mapping,
        clear=clear,
        address_policy=address_policy,
        duplicates=duplicates,
        changes_only=changes_only,
        max_rejected=max_rejected,
        max_changed=max_changed,
        min_rows=min_rows,
        max_source_age=max_source_age,
    )
    with connected(connection) as here:
        run = find_run_of_flow_run(here, str(flow_run_id()))
        if run is None:
            if not dry_run:  # what the settings lack is said before the file is read
                arm_client(here.settings, client_no=client_no, updates=True)
            try:
                run = open_update(
                    here,
                    reading=reading,
                    client_no=client_no,
                    user_id=user_id,
                    mode=mode,
                    batch_size=batch_size,
                    dry_run=dry_run,
                    shards=shards,
                    client_confirmed_by=person() if client_no_is_right else None,
                    places=places_of(here.settings) if is_deployed() else None,
                )
            except InputRefused as refusal:
                return Failed(name="InputRejected", message=refusal.message)
            link_flow_run(here, run, str(flow_run_id()))
        if needs_approval(run):
            state = await send_if_approved(here, run, within=approve_within, deadline=deadline, wait=wait)
            return await verify_sample_of_run(here, run, state, sample=verify_sample)
        state = await run_to_completion(here, run, deadline=deadline, wait=wait)
        if on_guard == "ask" and hit_guard_rail(here, run):
            plan = link_flow_run(here, open_plan_for_approval(here, run), str(flow_run_id()))
            state = await send_if_approved(here, plan, within=approve_within, deadline=deadline, wait=wait)
            return await verify_sample_of_run(here, plan, state, sample=verify_sample)
        return await verify_sample_of_run(here, run, state, sample=verify_sample)

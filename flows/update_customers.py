"""The flow `update-customers`: a customer file becomes updated customers in ARM."""

from pathlib import PurePath
from typing import Annotated

from prefect import flow, runtime
from prefect.client.schemas import State
from pydantic import Field

from armrest.api import Mode
from flows.sending import flow_run_id, see_through
from tasks.connection import arm_client, connection
from tasks.durations import Duration
from tasks.runs import carried, carry, open_update

ClientNo = Annotated[int, Field(ge=1)]
BatchSize = Annotated[int, Field(ge=1, le=100_000)]
Limit = Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$|^\d+$")]


def name_of_run() -> str:
    """Tell client and source in the list of runs."""
    given = runtime.flow_run.parameters
    return f"{given['client_no']} · {PurePath(given['source']).name}"


@flow(name="update-customers", flow_run_name=name_of_run, retries=0)
async def update_customers(
    source: str,
    client_no: ClientNo,
    *,
    user_id: str | None = None,
    mode: Mode = "update",
    batch_size: BatchSize | None = None,
    deadline: Duration = "30m",
    max_rejected: Limit = "5%",
    wait: Duration = "0s",
    dry_run: bool = False,
) -> State:
    """Bring a customer file over to ARM: every customer in it is updated there, and nothing is sent twice.

    The whole file is read and checked first; a file that is at fault sends nothing. Afterwards the artifacts say
    what became of it: `arm-run-…` tells it in words, `arm-batches-…` has every batch with its batchUuid,
    `arm-failed-customers-…` every customer that ARM refused, and why.

    Args:
        source: The customer file, as a path on the machine that runs this.
        client_no: The client's number in ARM, for example 2218.
        user_id: Who the update is by, as ARM knows the user. Empty: the one in the settings.
        mode: update changes customers; upsert also creates those that ARM does not have.
        batch_size: Customers per batch, at most. Empty: the one in the settings, 1000.
        deadline: End after this long, counted from the start of sending (90s, 30m, 2h). What is open then can be
            carried on.
        max_rejected: Send nothing when more rows than this are at fault: a number (12) or a share (5%).
        wait: How long to wait when another run is sending for this client (10m).
        dry_run: Read, check and plan, but send nothing.
    """
    with connection() as here:
        run = carried(here, str(flow_run_id()))
        if run is None:
            if not dry_run:
                arm_client(here.settings)  # what the settings lack is said before the file is read
            run = open_update(
                here,
                source=source,
                client_no=client_no,
                user_id=user_id,
                mode=mode,
                batch_size=batch_size,
                max_rejected=max_rejected,
                dry_run=dry_run,
            )
            carry(here, run, str(flow_run_id()))
        return await see_through(here, run, deadline=deadline, wait=wait)

"""The task `poll-batch-status`: waits for the outcome of a slice's batches."""

from typing import Final

from prefect import task
from prefect.client.schemas import State
from prefect.states import Failed

from armrest.outbox import find_run, refused_in_slice
from armrest.plurals import quantity
from tasks.caching import is_unexpected, run_and_slice
from tasks.open_workspace import delivery_of_run, use_workspace

CUSTOMERS_REFUSED: Final = "PartlyFailed"
"""The state of a task whose slice has refused customers: its bar is red, and the run goes on."""


class CustomersRefused(Exception):
    """ARM has refused customers of a slice. It is stored with the task's state, so that its file is known as ours."""


@task(
    name="poll-batch-status",
    task_run_name="poll-batch-status {client_no} · {slice_no:04d}",
    cache_key_fn=run_and_slice,
    persist_result=True,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_unexpected,
)
async def poll_batch_status(run_id: str, client_no: int, slice_no: int) -> int | State:  # noqa: ARG001  see submit_batch
    """Wait until ARM has finished the accepted batches of a slice; return how many of its batches are closed.

    If ARM has refused customers of the slice, the task ends as `PartlyFailed`, which is not cached.

    Raises:
        Unfinished: A batch is still open at the deadline; the failed task is not cached.
        StopTheRun: ARM refuses to answer.
        LeaseHeld: Another run has the client.
    """
    with use_workspace() as workspace:
        async with delivery_of_run(run_id) as delivery:
            closed = await delivery.poll(slice_no)
        ledger = workspace.outbox.ledger
        refused = refused_in_slice(ledger, find_run(ledger, run_id), slice_no)
    if not refused:
        return closed
    customers = quantity(refused, "customer")
    message = f"ARM has finished the slice, and refused {customers} of it"
    state: State = Failed(name=CUSTOMERS_REFUSED, message=message, data=CustomersRefused(message))
    return state

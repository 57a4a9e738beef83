"""The task `submit-batch`: sends a slice of a run."""

from prefect import task

from tasks.caching import is_unexpected, run_and_slice
from tasks.open_workspace import delivery_of_run


@task(
    name="submit-batch",
    task_run_name="submit-batch {client_no} · {slice_no:04d}",
    cache_key_fn=run_and_slice,
    persist_result=True,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_unexpected,
)
async def submit_batch(run_id: str, client_no: int, slice_no: int) -> int:  # noqa: ARG001  the client names the task run
    """Send the batches of a slice that are not yet acknowledged; return how many ARM has accepted.

    Raises:
        Unfinished: A batch is still to be sent; the failed task is not cached.
        StopTheRun: ARM refuses more than a customer.
        LeaseHeld, LeaseLost: Another run has the client.
    """
    async with delivery_of_run(run_id) as delivery:
        return await delivery.submit(slice_no)

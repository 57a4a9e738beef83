"""The task `poll-batch-status`: waits for the outcome of a slice's batches."""

from prefect import task

from tasks.caching import is_unexpected, run_and_slice
from tasks.open_workspace import delivery_of_run


@task(
    name="poll-batch-status",
    task_run_name="poll-batch-status {client_no} · {slice_no:04d}",
    cache_key_fn=run_and_slice,
    persist_result=True,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_unexpected,
)
async def poll_batch_status(run_id: str, client_no: int, slice_no: int) -> int:  # noqa: ARG001  see submit_batch
    """Wait until ARM has finished the accepted batches of a slice; return how many of its batches are closed.

    Raises:
        Unfinished: A batch is still open at the deadline; the failed task is not cached.
        StopTheRun: ARM refuses to answer.
        LeaseHeld: Another run has the client.
    """
    async with delivery_of_run(run_id) as delivery:
        return await delivery.poll(slice_no)

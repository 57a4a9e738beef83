"""The task `poll-batch-status`: what became of a slice's batches."""

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
    """Wait until the accepted batches of a slice are worked through; return how many of its batches are closed.

    Raises:
        Unfinished: Something of it is still open at the deadline; a raised task is not cached.
        StopTheRun: ARM refuses to answer.
        LeaseHeld: Another run has the client.
    """
    async with delivery_of_run(run_id) as delivery:
        return await delivery.poll(slice_no)

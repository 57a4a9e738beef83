"""The task `chunk`: turns a source, or a run's failed customers, into batches in the outbox."""

import asyncio
import threading

from prefect import task

from armrest.app.browser_words import browser_words
from armrest.app.plan_run import plan_run
from armrest.app.workspace import hold_client
from armrest.outbox import RunState, UpdateRequest, find_run
from tasks.blocks import databases_for
from tasks.caching import is_unexpected, run_and_slice
from tasks.open_workspace import use_workspace


class PlanRefused(Exception):
    """The input is refused: the run is `InputRejected` and sends nothing. Raised, so that it is not cached."""


@task(
    name="chunk",
    task_run_name="chunk {client_no}",
    cache_key_fn=run_and_slice,
    persist_result=True,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_unexpected,
)
async def chunk(run_id: str, client_no: int) -> int:  # noqa: ARG001  the client names the task run
    """Write a run's batches to the outbox, and return their number; send nothing.

    Raises:
        PlanRefused: The source is invalid.
        UnknownBatch: A rerun names a batchUuid that its parent does not have.
        BodyUnusable: A body that a rerun needs was purged.
        LeaseHeld, LeaseLost: Another run has the client.
        SourceUnavailable: The source cannot be read at the moment; the task is retried.
    """
    with use_workspace() as workspace:
        run = find_run(workspace.outbox.ledger, run_id)
        databases = databases_for(workspace, run.request.source) if isinstance(run.request, UpdateRequest) else None
        stop = threading.Event()
        async with hold_client(workspace, run):
            try:
                planned = await asyncio.to_thread(plan_run, workspace, run, stop=stop, databases=databases)
            finally:
                stop.set()
    if planned.state is RunState.INPUT_REJECTED:
        raise PlanRefused(browser_words(planned.message))  # Prefect logs it, and shows it with the task
    return planned.batches.planned

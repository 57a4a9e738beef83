"""The flow `purge`: bodies and rejects files of old runs, which hold personal data, are removed."""

import asyncio
from dataclasses import asdict

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed

from armrest.app.cleanup import remove_old
from armrest.app.durations import Duration, seconds_in
from armrest.outbox import purge as purge_outbox
from tasks.open_workspace import workspace


@flow(name="purge", flow_run_name="runs that ended {older_than} ago", retries=0)
async def purge(older_than: Duration = "30d", *, force: bool = False) -> State:
    """Remove what holds personal data of runs that ended long ago: the bodies that were sent, and rejected rows.

    Numbers, outcomes, batchUuids and hashes stay: what became of every customer can still be told. What is open or
    failed stays too, so that it can be carried on.

    Args:
        older_than: Runs that ended longer ago than this (30d).
        force: Also remove what is open or failed. It cannot be sent again then.
    """
    with workspace() as here:
        done = await asyncio.to_thread(
            purge_outbox, here.outbox, older_than_seconds=seconds_in(older_than), force=force
        )
        remove_old(here.settings, older_than_seconds=seconds_in(older_than))
    return Completed(message=done.message, data=asdict(done))

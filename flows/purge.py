"""The flow `purge`: removes the personal data of old runs, and archives their history."""

import asyncio
from dataclasses import asdict, replace

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed

from armrest.app.cleanup import remove_old
from armrest.app.durations import Duration, seconds_in
from armrest.app.hand_over import remove_old_handed_over
from armrest.outbox import archive
from armrest.outbox import purge as purge_outbox
from flows.steps import explained
from tasks.open_workspace import use_workspace
from tasks.stored_results import remove_old_results


@flow(name="purge", flow_run_name="runs that ended {older_than} ago", retries=0)
@explained
async def purge(older_than: Duration = "30d", *, force: bool = False) -> State:
    """Remove the personal data of old runs: the bodies that were sent, and rejected rows.

    Numbers, outcomes, batchUuids and hashes stay, so the outcome of every customer stays known. Open and failed
    batches stay too, so that they can be sent again. The history of closed runs is moved into the ledger's archive.
    Plans that were never applied, and results that Prefect has stored for our tasks, are removed.

    Args:
        older_than: Age of the runs, counted from their end (30d).
        force: Also remove open and failed batches, which cannot be sent again then.
    """
    with use_workspace() as workspace:
        purged = await asyncio.to_thread(
            purge_outbox,
            workspace.outbox,
            older_than_seconds=seconds_in(older_than),
            force=force,
            rejects_folder=str(workspace.rejects_folder),
        )
        remove_old(workspace.settings, older_than_seconds=seconds_in(older_than))
        results = await asyncio.to_thread(remove_old_results, older_than_seconds=seconds_in(older_than))
        await asyncio.to_thread(
            remove_old_handed_over, workspace, older_than_seconds=seconds_in(older_than), force=force
        )
        archived = await asyncio.to_thread(
            archive,
            workspace.outbox.ledger,
            older_than_seconds=seconds_in(older_than),
            history_years=workspace.settings.history_years,
        )
    purged = replace(purged, results=results)
    data = {**asdict(purged), "archived": asdict(archived)}
    return Completed(message=f"{purged.message}; archived {archived.message}", data=data)

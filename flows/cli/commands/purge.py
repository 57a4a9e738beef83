"""`armrest purge`: removes the personal data of old runs. Without Prefect's server; sends nothing."""

from dataclasses import asdict, replace
from typing import Annotated

import typer

from flows.cli.flags import Json, with_settings
from flows.cli.output import print_json


@with_settings
def purge(
    *,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="Age of the runs, counted from their end.")
    ] = "30d",
    force: Annotated[
        bool, typer.Option("--force", help="Also remove open and failed batches, which cannot be sent again then.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    as_json: Json = False,
) -> int:
    """Remove bodies of settled batches, rejects and drift files, and plans that nobody has applied.

    Numbers, outcomes, batchUuids and hashes of what was sent stay.
    """
    from armrest.app.cleanup import remove_old
    from armrest.app.durations import seconds_in
    from armrest.app.hand_over import remove_old_handed_over
    from armrest.outbox import purge as purge_outbox
    from flows.cli.arguments import checked_times
    from tasks.open_workspace import use_workspace
    from tasks.stored_results import remove_old_results

    checked_times(**{"older-than": older_than})
    with use_workspace() as workspace:
        purged = purge_outbox(
            workspace.outbox,
            older_than_seconds=seconds_in(older_than),
            force=force,
            dry_run=dry_run,
            rejects_folder=str(workspace.rejects_folder),
        )
        results = remove_old_results(older_than_seconds=seconds_in(older_than), dry_run=dry_run)
        purged = replace(purged, results=results)
        if not dry_run:
            remove_old(workspace.settings, older_than_seconds=seconds_in(older_than))
            remove_old_handed_over(workspace, older_than_seconds=seconds_in(older_than), force=force)
    if as_json:
        print_json({**asdict(purged), "dry_run": dry_run, "message": purged.message})
    else:
        print(f"{'Would remove' if dry_run else 'Removed'} {purged.message}")
    return 0

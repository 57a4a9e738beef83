"""`armrest archive`: makes the ledger small. Without Prefect; sends nothing, and removes no answer."""

from dataclasses import asdict
from typing import Annotated

import typer

from flows.cli.flags import Json, with_settings
from flows.cli.output import print_json


@with_settings
def archive(
    *,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="Age of the runs, counted from their end.")
    ] = "30d",
    as_json: Json = False,
) -> int:
    """Move lines, attempts and rejected rows of closed runs into the ledger's archive; all commands still show them."""
    from armrest.app.durations import seconds_in
    from armrest.outbox import archive as archive_runs
    from flows.cli.arguments import checked_times
    from tasks.open_workspace import use_workspace

    checked_times(**{"older-than": older_than})
    with use_workspace() as workspace:
        archived = archive_runs(
            workspace.outbox.ledger,
            older_than_seconds=seconds_in(older_than),
            history_years=workspace.settings.history_years,
        )
    if as_json:
        print_json({**asdict(archived), "message": archived.message})
    else:
        print(f"Archived {archived.message}")
    return 0

"""`armrest export`: one line for every customer of a run, in a file. No Prefect, nothing sent."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.flags import Json, RunId, with_settings
from flows.cli.output import print_json


@with_settings
def export(
    run_id: RunId,
    *,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Ending in .csv, .xlsx or .parquet.", show_default=False),
    ],
    as_json: Json = False,
) -> int:
    """Write what became of every customer of a run: customerNo, outcome, batchUuid, reason, when."""
    from armrest.outbox import export as export_run
    from armrest.outbox import find_run
    from tasks.open_workspace import workspace

    with workspace() as here:
        run = find_run(here.outbox.ledger, run_id)
        lines = export_run(here.outbox.ledger, run, output.expanduser())
    if as_json:
        print_json({"run_id": run.run_id, "file": str(output), "customers": lines})
    else:
        print(f"{lines:,} customers of run {run.run_id} in {output}")
    return 0

"""`armrest export`: writes one line for every customer of a run to a file. Without Prefect; sends nothing."""

from pathlib import Path
from typing import Annotated

import typer

from armrest.plurals import quantity
from flows.cli.flags import Json, RunId, with_settings
from flows.cli.output import print_json


@with_settings
def export(
    run_id: RunId,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File to write: .csv, .xlsx or .parquet.", show_default=False
        ),
    ],
    as_json: Json = False,
) -> int:
    """Write the outcome of every customer of a run to a file: customerNo, outcome, batchUuid, reason, when."""
    from armrest.outbox import export as export_run
    from armrest.outbox import find_run
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        run = find_run(workspace.outbox.ledger, run_id)
        lines = export_run(workspace.outbox.ledger, run, output.expanduser())
    if as_json:
        print_json({"run_id": run.run_id, "file": str(output), "customers": lines})
    else:
        print(f"{quantity(lines, 'customer')} of run {run.run_id} in {output}")
    return 0

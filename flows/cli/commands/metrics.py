"""`armrest metrics`: the ledger's figures for Prometheus. Without Prefect; sends nothing, and opens no port."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.flags import with_settings


@with_settings
def metrics(
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to replace, for node-exporter's text collector."),
    ] = None,
) -> int:
    """Print figures for Prometheus as OpenMetrics text: last good run, open batches, failed customers, pace."""
    from armrest.app.metrics import read_metrics, write_metrics
    from flows.cli.errors import Refused
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        text = read_metrics(workspace.settings, workspace.outbox.ledger)
    if output is None:
        print(text, end="")
        return 0
    try:
        write_metrics(text, output.expanduser())
    except OSError as error:
        raise Refused(f"{output} cannot be written ({error.strerror}): make its folder, or name another file") from None
    return 0

"""A run as the materialization of an asset: `arm://2218/customers`, with its source upstream.

It is an event, not a task, so a run has the same tasks as before. Open source keeps it among the events of the flow
run; Prefect Cloud also draws the lineage. Source: `prefect.context.AssetContext.emit_events`.
"""

from pathlib import PurePath
from typing import Final

from prefect.events import emit_event
from prefect.types.names import validate_valid_asset_key

from armrest.app.source_options import HANDED_OVER, SQL
from armrest.outbox import Run, RunSummary, UpdateRequest

SUCCEEDED: Final = "prefect.asset.materialization.succeeded"
REFERENCED: Final = "prefect.asset.referenced"
BY: Final = "armrest"


def emit_materialization(run: Run, ended: RunSummary) -> None:
    """Emit that a run has updated customers in ARM; nothing if it has updated none. Counts only, no customer."""
    if not ended.customers.settled:
        return
    related = [{"prefect.resource.id": BY, "prefect.resource.role": "asset-materialized-by"}]
    if upstream := upstream_asset(run):
        emit_event(REFERENCED, resource={"prefect.resource.id": upstream}, related=[])
        related.append({"prefect.resource.id": upstream, "prefect.resource.role": "asset"})
    counts = ended.customers
    emit_event(
        SUCCEEDED,
        resource={
            "prefect.resource.id": f"arm://{ended.client_no}/customers",
            "prefect.resource.name": f"Customers of client {ended.client_no} in ARM",
        },
        related=related,
        payload={
            "run_id": ended.run_id,
            "state": str(ended.state),
            "updated": counts.settled,
            "failed": counts.failed,
            "open": counts.open,
        },
    )


def upstream_asset(run: Run) -> str | None:
    """Return the key of the asset that a run read: `file://…`, `s3://…`, `sql://NAME`, `frame://NAME`.

    None for a run that read no source, and for a name that Prefect does not accept as a key.
    """
    if not isinstance(run.request, UpdateRequest):
        return None
    source = run.request.source
    if source.startswith(SQL):
        key = f"sql://{source.removeprefix(SQL)}"
    elif HANDED_OVER in PurePath(source).parts:  # its folder has another name each time
        key = f"frame://{PurePath(source).name}"
    else:
        key = source if "://" in source else f"file://{source}"
    try:
        return validate_valid_asset_key(key)
    except ValueError:
        return None

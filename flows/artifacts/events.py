"""The event that a batch is open for too long: automations listen for it."""

from collections.abc import Iterable
from typing import Final

from prefect.events import emit_event

from armrest.delivery import OpenTooLong

EVENT: Final = "armrest.batch.open-too-long"


def emit_open_too_long(batches: Iterable[OpenTooLong]) -> None:
    """Emit an event for each batch; nothing in it is about a customer."""
    for batch in batches:
        name = batch.batch_uuid or f"{batch.run_id}.{batch.seq}"
        emit_event(
            EVENT,
            resource={"prefect.resource.id": f"armrest.batch.{name}", "prefect.resource.name": name},
            payload={
                "batch_uuid": batch.batch_uuid,
                "run_id": batch.run_id,
                "client_no": batch.client_no,
                "seq": batch.seq,
                "open_seconds": batch.open_seconds,
            },
        )

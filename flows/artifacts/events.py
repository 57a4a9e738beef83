"""Events that automations listen for: a nightly run begins, a run asks, a batch is open for too long, a night is over.

They hold no personal data.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from prefect.events import emit_event

from armrest.delivery import OpenTooLong

EVENT: Final = "armrest.batch.open-too-long"
ASKS: Final = "armrest.run.asks"
NIGHT: Final = "armrest.night.over"
NIGHTLY: Final = "armrest.nightly.began"
NIGHTLY_TAGS: Final = frozenset({"nightly", "auto-scheduled"})
"""The tag of the nightly deployment, and the one that Prefect gives to a run that a schedule has made."""
CLIENTS: Final = "armrest.clients"
"""The label of a message about the night that says which clients it is about."""


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


def emit_asks(*, run_id: str, client_no: int, flow_run_id: UUID, question: str, within: str) -> None:
    """Emit that a run waits for a person's decision.

    Args:
        question: Why it asks, and the figures of its plan.
        within: How long it waits.
    """
    emit_event(
        ASKS,
        resource={"prefect.resource.id": f"armrest.run.{run_id}", "prefect.resource.name": run_id},
        payload={
            "client_no": client_no,
            "flow_run_id": str(flow_run_id),
            "question": question,
            "within": within,
        },
    )


def emit_nightly(client_no: int, *, tags: Collection[str]) -> None:
    """Emit that the nightly run of a client has begun, if its tags say that a schedule has made it.

    All clients share one deployment, so only this event tells them apart. A run that a person starts does not count:
    it says nothing about the schedule.
    """
    if NIGHTLY_TAGS.issubset(tags):
        emit_event(
            NIGHTLY,
            resource={"prefect.resource.id": f"armrest.nightly.{client_no}", "prefect.resource.name": str(client_no)},
            payload={"client_no": client_no},
        )


def clients_label(clients: Collection[int]) -> str:
    """Return the clients that a message about the night is about, as automations match them; empty: all."""
    return "+".join(map(str, sorted(clients))) or "all"


def emit_night(at: datetime, *, subject: str, text: str, clients: Collection[int] = ()) -> None:
    """Emit how the night went; `subject` is a line, `text` has a line for each client.

    Args:
        clients: The clients that the message is limited to; empty: it is about all.
    """
    label = clients_label(clients)
    day = f"{at:%Y-%m-%d}"
    name = f"{day}.{label}" if clients else day
    emit_event(
        NIGHT,
        resource={"prefect.resource.id": f"armrest.night.{name}", "prefect.resource.name": name, CLIENTS: label},
        payload={"subject": subject, "text": text},
    )

"""A batch in the sandbox's records."""

from dataclasses import dataclass, field
from enum import StrEnum

from armrest.sandbox.arm.assumed import Failure


class Outcome(StrEnum):
    """The outcome of a batch."""

    WAITING = "waiting"
    DONE = "done"
    PARTIAL = "partial"
    REJECTED = "rejected"


@dataclass(slots=True)
class Batch:
    """An accepted body, and its outcome.

    Args:
        customers: How many the body holds.
        received: When it was accepted, in seconds of the records' clock.
        due: When it may be applied.
        answered: The sandbox sent an unbroken 202 with the batchUuid. The client may have left before it arrived.
        body: The bytes as received; empty after the batch was applied, unless the records keep bodies.
        applied: When it was applied; None while it waits.
        rank: Position in the order in which the sandbox applied batches, starting at 1; None while pending.
    """

    client_no: int
    batch_uuid: str
    method: str
    sha256: str
    customers: int
    received: float
    due: float
    body: bytes = field(repr=False)
    answered: bool = True
    polls: int = 0
    outcome: Outcome = Outcome.WAITING
    failures: tuple[Failure, ...] = ()
    applied: float | None = None
    rank: int | None = None

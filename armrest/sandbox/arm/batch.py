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
    """One body that was accepted, and its outcome.

    Args:
        customers: How many the body holds.
        received: When it was accepted, in seconds of the records' clock.
        due: When it may be applied.
        answered: An unbroken 202 with the batchUuid was given. A client may still have left before it came.
        body: The bytes as received; empty once applied, unless the records keep bodies.
        applied: When it was worked through; None while it waits.
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

"""What the parts of a delivery share: one client of the API, one brake, one deadline; and mostly one run."""

import asyncio
import time
from dataclasses import dataclass, field
from random import Random

from armrest.api import ArmClient, ArmError
from armrest.delivery.brake import Brake
from armrest.outbox import Attempt, Batch, Lease, Outbox, Run, record


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """How a delivery goes about it. Times are in seconds."""

    concurrency: int = 8
    max_tries: int = 8
    deadline_seconds: float = 1800.0
    poll_first_seconds: float = 1.0
    poll_max_seconds: float = 30.0
    not_found_grace_seconds: float = 60.0
    ghost_horizon_seconds: float = 3600.0
    lease_seconds: float = 60.0
    stop_grace_seconds: float = 5.0


@dataclass(slots=True, kw_only=True)
class Calls:
    """What all calls have in common. `deadline` is a time of the event loop."""

    outbox: Outbox
    arm: ArmClient
    options: DeliveryOptions
    random: Random = field(default_factory=Random)
    brake: Brake = field(init=False)
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.brake = Brake(concurrency=self.options.concurrency, random=self.random)
        self.deadline = asyncio.get_running_loop().time() + self.options.deadline_seconds

    def seconds_left(self) -> float:
        """Return how long it is to the deadline; 0 where it has passed."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())


@dataclass(slots=True, kw_only=True)
class Context(Calls):
    """One run on its way."""

    run: Run
    lease: Lease


class Call:
    """One call about one batch, from its start to its line in the history."""

    def __init__(self, calls: Calls, batch: Batch, what: str) -> None:
        self._ledger = calls.outbox.ledger
        self._batch = batch
        self._what = what
        self._start = time.perf_counter()

    def ended(self, outcome: str, *, http_status: int | None, request_id: str | None, evidence: str = "") -> None:
        """Write down how it ended; the evidence holds no personal data."""
        record(
            self._ledger,
            Attempt(
                run_seq=self._batch.run_seq,
                batch_seq=self._batch.seq,
                at=self._ledger.now(),
                what=self._what,
                outcome=outcome,
                http_status=http_status,
                duration_ms=round((time.perf_counter() - self._start) * 1000),
                request_id=request_id,
                evidence=evidence,
            ),
        )

    def broke(self, error: ArmError) -> None:
        """Write down that it ended in an error."""
        self.ended(type(error).__name__, http_status=error.status, request_id=error.request_id, evidence=error.evidence)

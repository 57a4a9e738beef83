"""What the parts of a delivery share: one run, one client of the API, one brake, one deadline."""

import asyncio
import time
from dataclasses import dataclass, field
from random import Random

from armrest.api import ArmClient
from armrest.delivery.brake import Brake
from armrest.outbox import Lease, Outbox, Run


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
class Context:
    """One run on its way. `deadline` is a time of the event loop."""

    outbox: Outbox
    arm: ArmClient
    run: Run
    lease: Lease
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


class Stopwatch:
    """Measures one call, in milliseconds."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def elapsed_ms(self) -> int:
        """Return the time since it was made."""
        return round((time.perf_counter() - self._start) * 1000)

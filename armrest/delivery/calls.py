"""What the parts of a delivery share: one client of the API, one brake, one deadline; and mostly one run."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import InitVar, dataclass, field
from http import HTTPStatus
from random import Random

from armrest.api import ArmClient, ArmError, RateLimited, StopTheRun, Unreachable
from armrest.delivery.rate import RateLimiter
from armrest.outbox import Attempt, Batch, GroupCommit, Lease, Outbox, Run, State, append_attempt, batches_in


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """How a delivery goes about it. Times are in seconds.

    Attributes:
        usual_seconds: By kind of call, how long an answer took before others sent too; for a shard.
    """

    concurrency: int = 8
    min_concurrency: int = 1
    max_tries: int = 8
    retry_first_seconds: float = 0.5
    retry_max_seconds: float = 30.0
    deadline_seconds: float = 1800.0
    poll_first_seconds: float = 1.0
    poll_max_seconds: float = 30.0
    not_found_grace_seconds: float = 60.0
    ghost_horizon_seconds: float = 3600.0
    lease_seconds: float = 60.0
    stop_grace_seconds: float = 5.0
    usual_seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Calls:
    """What all calls have in common.

    Args:
        shared_brake: The brake of other calls to the same API, where there are any.

    Attributes:
        group: Through which tasks write what each of many batches has.
        deadline: A time of the event loop, after which no call begins.
        reached: Whether anything has got through to ARM.
        stopped: Why no call is to be made any more.
    """

    outbox: Outbox
    arm: ArmClient
    options: DeliveryOptions
    random: Random = field(default_factory=Random)
    shared_brake: InitVar[RateLimiter | None] = None
    brake: RateLimiter = field(init=False)
    group: GroupCommit = field(init=False)
    deadline: float = field(init=False)
    reached: bool = field(init=False, default=False)
    stopped: StopTheRun | None = field(init=False, default=None)

    def __post_init__(self, shared_brake: RateLimiter | None) -> None:
        self.brake = shared_brake or RateLimiter(
            concurrency=self.options.concurrency,
            lowest=self.options.min_concurrency,
            random=self.random,
            usual=self.options.usual_seconds,
        )
        self.group = GroupCommit(self.outbox.ledger)
        self.deadline = asyncio.get_running_loop().time() + self.options.deadline_seconds

    def seconds_left(self) -> float:
        """Return how long it is to the deadline; 0 where it has passed."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    def stop(self, error: StopTheRun) -> None:
        """Hear that ARM will allow nothing else of a run; calls of other runs go on."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """Hold the brake's leave to make one call; False where the deadline has come first.

        Raises:
            StopTheRun: Meanwhile ARM has said to another call that nothing else will be allowed.
        """
        async with AsyncExitStack() as slot:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self.deadline):
                    await slot.enter_async_context(self.brake.slot())
            if self.stopped:
                raise self.stopped
            yield self.seconds_left() > 0


@dataclass(slots=True, kw_only=True)
class Context(Calls):
    """One run on its way."""

    run: Run
    lease: Lease

    def batches(self, states: Collection[State], slice_no: int | None = None) -> list[Batch]:
        """Return the batches in these states that are this process's to send: its shard's, or the whole run's."""
        return batches_in(self.outbox.ledger, self.run, states, slice_no=slice_no, shard=self.lease.shard)

    def stop(self, error: StopTheRun) -> None:
        """Let no call begin any more."""
        self.stopped = self.stopped or error


class Call:
    """One call about one batch, from when it leaves to its line in the history; the others learn from how it ended."""

    def __init__(self, calls: Calls, batch: Batch, what: str) -> None:
        self._calls = calls
        self._batch = batch
        self._what = what
        self._left_at = asyncio.get_running_loop().time()

    def answered(self, outcome: str, *, http_status: int | None, request_id: str | None, evidence: str) -> None:
        """ARM has served it; the evidence holds no personal data."""
        self._calls.reached = True
        self._calls.brake.on_success()
        self._calls.brake.answered(self._what, left_at=self._left_at)
        self._record(outcome, http_status, request_id, evidence)

    def broke(self, error: ArmError) -> None:
        """It ended in an error, which may slow or stop all others."""
        self._calls.reached = self._calls.reached or not isinstance(error, Unreachable)
        if isinstance(error, StopTheRun):
            self._calls.stop(error)
        if isinstance(error, RateLimited):
            too_fast = error.status == HTTPStatus.TOO_MANY_REQUESTS
            brake = self._calls.brake.on_rate_limited if too_fast else self._calls.brake.pause
            brake(error.retry_after_seconds, left_at=self._left_at)
        elif not isinstance(error, Unreachable):
            self._calls.brake.answered(self._what, left_at=self._left_at)
        self._record(type(error).__name__, error.status, error.request_id, error.evidence)

    def broken_off(self) -> None:
        """We were stopped before an answer came."""
        self._record("stopped", None, None, "")

    def _record(self, outcome: str, http_status: int | None, request_id: str | None, evidence: str) -> None:
        ledger = self._calls.outbox.ledger
        seconds = asyncio.get_running_loop().time() - self._left_at
        append_attempt(
            ledger,
            Attempt(
                run_seq=self._batch.run_seq,
                batch_seq=self._batch.seq,
                at=ledger.now(),
                what=self._what,
                outcome=outcome,
                http_status=http_status,
                duration_ms=round(seconds * 1000),
                request_id=request_id,
                evidence=evidence,
            ),
        )

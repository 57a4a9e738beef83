"""What the parts of a delivery share: one API client, one rate limiter, one deadline, and usually one run."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import InitVar, dataclass, field
from http import HTTPStatus
from random import Random

from armrest.api import ArmClient, ArmError, RateLimited, StopTheRun, Unreachable
from armrest.delivery.rate import RateLimiter
from armrest.outbox import Attempt, Batch, GroupCommit, Lease, Outbox, Run, State, append_attempt, batches_in
from armrest.telemetry import Step, current_step, record_call


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """The options of a delivery. Times are in seconds.

    Attributes:
        most_refusals: Requests refused alike and in a row after which a run tries untouched batches, or a batch is
            given up; see `refusal_budget`.
        usual_seconds: For a shard: how long an answer took before other shards sent, by kind of call.
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
    most_refusals: int = 54
    usual_seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Calls:
    """What all calls share.

    Args:
        shared_rate_limiter: The rate limiter of other calls to the same API, if any.

    Attributes:
        step: The step of the run that they belong to, as monitoring sees it.
        group: Groups the ledger writes of many batches into shared transactions.
        deadline: Event-loop time after which no call begins.
        reached: Whether any request has reached ARM.
        stopped: Why no more calls may be made; None while they may.
    """

    outbox: Outbox
    arm: ArmClient
    options: DeliveryOptions
    random: Random = field(default_factory=Random)
    shared_rate_limiter: InitVar[RateLimiter | None] = None
    step: Step = field(default_factory=current_step)
    rate_limiter: RateLimiter = field(init=False)
    group: GroupCommit = field(init=False)
    deadline: float = field(init=False)
    reached: bool = field(init=False, default=False)
    stopped: StopTheRun | None = field(init=False, default=None)

    def __post_init__(self, shared_rate_limiter: RateLimiter | None) -> None:
        self.rate_limiter = shared_rate_limiter or RateLimiter(
            concurrency=self.options.concurrency,
            lowest=self.options.min_concurrency,
            random=self.random,
            usual=self.options.usual_seconds,
        )
        self.group = GroupCommit(self.outbox.ledger)
        self.deadline = asyncio.get_running_loop().time() + self.options.deadline_seconds

    @property
    def run_id(self) -> str | None:
        """The run that the calls belong to; None if they are about batches of several."""
        return None

    def seconds_left(self) -> float:
        """Return the seconds until the deadline; 0 once it has passed."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    def stop(self, error: StopTheRun) -> None:
        """Take note that ARM allows no more calls for a run; calls of other runs go on."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """Hold a slot of the rate limiter for one call; yield False if the deadline comes first.

        Raises:
            StopTheRun: ARM has told another call that no more calls are allowed.
        """
        async with AsyncExitStack() as slot:
            has_slot = False  # a timer may fire a moment early, when there is still time left
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self.deadline):
                    await slot.enter_async_context(self.rate_limiter.slot())
                    has_slot = True
            if self.stopped:
                raise self.stopped
            yield has_slot and self.seconds_left() > 0


@dataclass(slots=True, kw_only=True)
class Context(Calls):
    """What the calls of one run share."""

    run: Run
    lease: Lease

    @property
    def run_id(self) -> str | None:
        """The run that the calls belong to."""
        return self.run.run_id

    def batches(self, states: Collection[State], slice_no: int | None = None) -> list[Batch]:
        """Return the batches in these states that this process may send: its shard's, or the whole run's."""
        return batches_in(self.outbox.ledger, self.run, states, slice_no=slice_no, shard=self.lease.shard)

    def stop(self, error: StopTheRun) -> None:
        """Begin no more calls."""
        self.stopped = self.stopped or error


class Call:
    """One call about one batch: records how it ended, and passes the outcome on to the rate limiter."""

    def __init__(self, calls: Calls, batch: Batch, what: str) -> None:
        self._calls = calls
        self._batch = batch
        self._what = what
        self._left_at = asyncio.get_running_loop().time()

    def answered(self, outcome: str, *, http_status: int | None, request_id: str | None, evidence: str) -> None:
        """Record that ARM answered; the evidence holds no personal data."""
        self._calls.reached = True
        self._calls.rate_limiter.on_success()
        self._calls.rate_limiter.on_answer(self._what, left_at=self._left_at)
        self._record(outcome, http_status, request_id, evidence)

    def broke(self, error: ArmError) -> None:
        """Record that the call ended in an error, which may slow or stop all other calls."""
        self._calls.reached = self._calls.reached or not isinstance(error, Unreachable)
        if isinstance(error, StopTheRun):
            self._calls.stop(error)
        if isinstance(error, RateLimited):
            too_fast = error.status == HTTPStatus.TOO_MANY_REQUESTS
            slow_down = self._calls.rate_limiter.on_rate_limited if too_fast else self._calls.rate_limiter.pause
            slow_down(error.retry_after_seconds, left_at=self._left_at)
        elif not isinstance(error, Unreachable):
            self._calls.rate_limiter.on_answer(self._what, left_at=self._left_at)
        self._record(type(error).__name__, error.status, error.request_id, error.evidence)

    def broken_off(self) -> None:
        """Record that this process was stopped before an answer came."""
        self._record("stopped", None, None, "")

    def _record(self, outcome: str, http_status: int | None, request_id: str | None, evidence: str) -> None:
        ledger = self._calls.outbox.ledger
        seconds = asyncio.get_running_loop().time() - self._left_at
        record_call(
            current_step(),
            method=self._what,
            status=http_status,
            outcome=outcome,
            seconds=seconds,
            api_url=self._calls.arm.base_url,
        )
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

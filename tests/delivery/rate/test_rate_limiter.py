"""One brake for all calls: how many at once, at which pace, and how that comes to be."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from armrest.delivery.rate.rate_limiter import LONGEST_PAUSE_SECONDS, RateLimiter
from armrest.outbox import State
from armrest.sandbox import BooksTransport, Sandbox
from armrest.sandbox.arm.rate_limit import Pace
from tests.delivery.conftest import GET, PUT, Engine, Planned, people, sent
from tests.delivery.unwell import Unwell, status
from tests.virtual_time import virtual_time


@dataclass
class Traffic:
    """Calls without end through a brake, to an API that allows so many a second."""

    limit: Callable[[float], float | None]
    latency: Callable[[], float]
    retry_after_seconds: float | None
    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    async def flow(self, seconds: float, *, concurrency: int = 8) -> "Traffic":
        """Call for so many seconds."""
        loop = asyncio.get_running_loop()
        rate_limiter, pace = RateLimiter(concurrency=concurrency, random=Random(7)), Pace(loop.time)

        async def call_on_and_on() -> None:
            while True:
                async with rate_limiter.slot():
                    left_at = loop.time()
                    await asyncio.sleep(self.latency() / 2)
                    admitted = pace.admit(self.limit(loop.time()))
                    await asyncio.sleep(self.latency() / 2)
                    if admitted:
                        rate_limiter.on_success()
                        rate_limiter.on_answer("PUT", left_at=left_at)
                        self.served.append(loop.time())
                    else:
                        rate_limiter.on_rate_limited(self.retry_after_seconds, left_at=left_at)
                        self.refused.append(loop.time())

        callers = [asyncio.create_task(call_on_and_on()) for _ in range(3 * concurrency)]
        await asyncio.wait(callers, timeout=seconds)
        for caller in callers:
            caller.cancel()
        return self

    def served_between(self, start: float, end: float) -> float:
        """Return how many calls a second were served."""
        return sum(start <= at < end for at in self.served) / (end - start)

    def refused_between(self, start: float, end: float) -> int:
        """Return how many calls were refused."""
        return sum(start <= at < end for at in self.refused)


def evenly(seconds: float) -> Callable[[], float]:
    return lambda: seconds


def unevenly(mean_seconds: float) -> Callable[[], float]:
    random = Random(7)
    return lambda: random.expovariate(1 / mean_seconds)


@pytest.mark.parametrize("retry_after", [None, 0.0, 1.0], ids=["no Retry-After", "Retry-After 0", "Retry-After 1"])
@pytest.mark.parametrize("latency", [evenly(0.02), evenly(0.15), unevenly(0.1)], ids=["20 ms", "150 ms", "uneven"])
@pytest.mark.parametrize("allowed", [5, 20, 50])
@virtual_time
async def test_it_settles_at_what_is_allowed_without_a_storm_of_429s(
    allowed: int, latency: Callable[[], float], retry_after: float | None
) -> None:
    traffic = await Traffic(lambda _: allowed, latency, retry_after).flow(120)

    assert traffic.served_between(0, 60) >= 0.7 * allowed
    assert traffic.served_between(60, 120) >= 0.7 * allowed
    assert len(traffic.refused) <= 0.06 * len(traffic.served)
    assert max(traffic.refused_between(at, at + 10) for at in range(10, 120, 10)) <= 6


@virtual_time
async def test_five_hundred_a_second_are_found_if_enough_calls_may_be_under_way() -> None:
    traffic = await Traffic(lambda _: 500, evenly(0.1), 1.0).flow(60, concurrency=64)

    assert traffic.served_between(20, 60) >= 0.8 * 500
    assert len(traffic.refused) <= 0.01 * len(traffic.served)


@virtual_time
async def test_it_recovers_when_the_limit_goes_away() -> None:
    traffic = await Traffic(lambda at: 5 if at < 60 else None, evenly(0.1), 1.0).flow(150)

    assert traffic.served_between(50, 60) <= 5.5
    assert traffic.served_between(90, 100) >= 20
    assert traffic.served_between(130, 150) >= 78


@virtual_time
async def test_it_follows_a_limit_that_falls() -> None:
    traffic = await Traffic(lambda at: 50 if at < 60 else 5, evenly(0.02), 1.0).flow(120)

    assert traffic.served_between(70, 120) >= 0.7 * 5
    assert traffic.refused_between(60, 70) <= 12
    assert traffic.refused_between(70, 120) <= 12


@virtual_time
async def test_slow_answers_are_not_slowed_further() -> None:
    traffic = await Traffic(lambda _: 8, evenly(4.0), 1.0).flow(120)

    assert not traffic.refused
    assert traffic.served_between(20, 120) == pytest.approx(2, rel=0.05)


@virtual_time
async def test_refusals_of_calls_that_were_under_way_together_slow_it_once() -> None:
    rate_limiter = RateLimiter(concurrency=8, random=Random(7))
    for _ in range(8):
        async with rate_limiter.slot():
            pass
    await asyncio.sleep(0.1)

    rate_limiter.on_rate_limited(1.0, left_at=0.0)
    once = rate_limiter.pace
    for _ in range(7):
        rate_limiter.on_rate_limited(1.0, left_at=0.0)

    assert rate_limiter.pace == once
    await asyncio.sleep(1.5)
    rate_limiter.on_rate_limited(1.0, left_at=0.05)  # a late answer from before
    assert (rate_limiter.pace or 0) >= (once or 0)


@virtual_time
async def test_a_503_pauses_and_does_not_slow() -> None:
    rate_limiter = RateLimiter(concurrency=8, random=Random(7))
    async with rate_limiter.slot():
        rate_limiter.pause(10.0, left_at=0.0)

    async with rate_limiter.slot():
        assert asyncio.get_running_loop().time() == pytest.approx(10)
    assert rate_limiter.pace is None


@virtual_time
async def test_without_a_retry_after_the_pauses_double_to_a_minute_and_begin_again_after_a_success() -> None:
    rate_limiter, loop = RateLimiter(concurrency=1, random=Random(7)), asyncio.get_running_loop()

    async def paused() -> float:
        start = loop.time()
        rate_limiter.pause(None, left_at=start)
        async with rate_limiter.slot():
            return loop.time() - start

    for longest in [1, 2, 4, 8, 16, 32, 60, 60]:
        assert longest / 2 <= await paused() <= longest <= LONGEST_PAUSE_SECONDS
    rate_limiter.on_success()
    assert await paused() <= 1


@virtual_time
async def test_no_more_calls_are_under_way_than_allowed() -> None:
    rate_limiter, under_way = RateLimiter(concurrency=3, lowest=3, random=Random(7)), 0

    async def call() -> int:
        nonlocal under_way
        async with rate_limiter.slot():
            under_way += 1
            most = under_way
            await asyncio.sleep(1)
            under_way -= 1
            return most

    assert max(await asyncio.gather(*(call() for _ in range(20)))) == 3
    assert asyncio.get_running_loop().time() == pytest.approx(7)


@virtual_time
async def test_a_call_that_is_cancelled_while_it_waits_leaves_its_place_to_the_next() -> None:
    rate_limiter = RateLimiter(concurrency=2, random=Random(7))
    rate_limiter.on_rate_limited(100.0, left_at=0.0)

    async def call() -> float:
        async with rate_limiter.slot():
            return asyncio.get_running_loop().time()

    calls = [asyncio.create_task(call()) for _ in range(6)]
    await asyncio.sleep(1)
    for cancelled in calls[:5]:
        cancelled.cancel()

    assert await calls[5] == pytest.approx(100)


@virtual_time
async def test_two_runs_of_a_process_may_share_it(engine: Engine, planned: Planned, sandbox: Sandbox) -> None:
    runs = [planned(people(20), run_id=f"of {client_no}", client_no=client_no, batch_size=1) for client_no in (1, 2)]
    arm = Unwell(sandbox, puts=[None] * 10 + [status(429, retry_after="30")], seconds=0.1)
    sharing = replace(engine, transport=arm, rate_limiter=RateLimiter(concurrency=8, random=Random(7)))

    told = await asyncio.gather(*(sharing.carry(run) for run in runs))

    assert [one.state for one in told] == ["Completed"] * 2
    assert arm.most_under_way <= 8
    assert sum(wait >= 30 for wait in arm.waits()) == 1
    assert arm.times["PUT"][20] >= 30


@pytest.mark.parametrize("allowed", [5, 50])
@virtual_time
async def test_a_run_against_an_api_with_a_rate_limit_settles_at_about_that_rate(
    engine: Engine, planned: Planned, sandbox: Sandbox, allowed: int
) -> None:
    sandbox.behaviour.rate = allowed
    run = planned(people(4 * allowed), batch_size=1)
    books = BooksTransport(sandbox, travel=itertools.repeat(0.01).__next__)

    told = await replace(engine, transport=books).carry(run, poll_first_seconds=0.1)

    assert told.ended is not None
    assert told.started is not None
    seconds = (told.ended - told.started).total_seconds()
    requests = sent(sandbox, PUT) + sent(sandbox, GET)
    assert (told.state, set(engine.states(run))) == ("Completed", {State.SETTLED})
    assert (sent(sandbox, PUT, 202) + sent(sandbox, GET, 200)) / seconds >= 0.7 * allowed
    assert sent(sandbox, PUT, 429) + sent(sandbox, GET, 429) <= max(0.05 * requests, 9)

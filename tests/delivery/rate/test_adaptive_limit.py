"""How many calls at once: what the API bears is found, whatever that is, and not gone beyond."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from statistics import median

import pytest

from armrest.delivery.rate.adaptive_limit import SAMPLES, AdaptiveLimit
from armrest.delivery.rate.rate_limiter import RateLimiter
from tests.virtual_time import virtual_time

Api = Callable[[], Awaitable[None]]


def with_servers(servers: int, seconds: float) -> Api:
    """An API that works on so many calls at a time, each for so long; what comes on top waits."""
    free = asyncio.Semaphore(servers)

    async def call() -> None:
        async with free:
            await asyncio.sleep(seconds)

    return call


def slow_under_load(seconds: float, bears: int) -> Api:
    """An API whose answers take the longer the more it works on; beyond what it bears it serves ever fewer."""
    under_way = 0

    async def call() -> None:
        nonlocal under_way
        under_way += 1
        await asyncio.sleep(seconds * (1 + (under_way / bears) ** 2))
        under_way -= 1

    return call


@dataclass
class Traffic:
    """Calls without end through a brake; what it has learned is counted from the second half."""

    per_second: float
    seconds: float

    @classmethod
    async def to(cls, api: Api, *, concurrency: int = 64, lowest: int = 1, until: float = 120.0) -> "Traffic":
        loop = asyncio.get_running_loop()
        brake = RateLimiter(concurrency=concurrency, lowest=lowest, random=Random(7))
        took: list[float] = []

        async def call_on_and_on() -> None:
            while True:
                async with brake.slot():
                    left_at = loop.time()
                    await api()
                    brake.on_answer("PUT", left_at=left_at)
                    if loop.time() >= until / 2:
                        took.append(loop.time() - left_at)

        callers = [asyncio.create_task(call_on_and_on()) for _ in range(2 * concurrency)]
        await asyncio.wait(callers, timeout=until)
        for caller in callers:
            caller.cancel()
        return cls(len(took) / (until / 2), median(took))


@pytest.mark.parametrize(
    ("servers", "seconds"), [(1, 0.2), (5, 0.1), (50, 0.1)], ids=["5 a second", "50 a second", "500 a second"]
)
@virtual_time
async def test_what_an_api_serves_is_used_and_its_queue_stays_short(servers: int, seconds: float) -> None:
    traffic = await Traffic.to(with_servers(servers, seconds))

    assert traffic.per_second >= 0.9 * servers / seconds
    assert traffic.seconds <= 5.5 * seconds  # with 64 at once it would be up to 64 times


@virtual_time
async def test_an_api_that_gets_slow_under_load_is_not_loaded_until_it_serves_less() -> None:
    best = 8 / (0.05 * 2)  # with eight calls at once; with 64 it serves 20 a second

    traffic = await Traffic.to(slow_under_load(0.05, bears=8))

    assert traffic.per_second >= 0.85 * best


@virtual_time
async def test_an_api_that_is_slow_by_itself_is_used_up_to_the_upper_bound() -> None:
    traffic = await Traffic.to(with_servers(1000, 2.0), concurrency=16)

    assert traffic.per_second == pytest.approx(8, rel=0.05)


@virtual_time
async def test_an_api_that_has_become_slower_for_good_is_measured_again() -> None:
    loop = asyncio.get_running_loop()

    async def call() -> None:
        await asyncio.sleep(0.05 if loop.time() < 30 else 0.5)

    traffic = await Traffic.to(call, concurrency=16, until=400)

    assert traffic.per_second >= 0.8 * 16 / 0.5


def test_what_is_not_asked_for_is_not_taken() -> None:
    width = AdaptiveLimit(lowest=1, highest=64)
    for at in range(100):
        width.answered("PUT", left_at=at, now=at + 0.1, under_way=1)

    assert width.calls == 2


def test_each_kind_of_call_is_measured_against_itself() -> None:
    width = AdaptiveLimit(lowest=1, highest=8)
    for at in range(10 * SAMPLES):
        width.answered("PUT", left_at=at, now=at + 3.0, under_way=8)
        width.answered("GET", left_at=at, now=at + 0.01, under_way=8)

    assert width.calls == 8


def test_it_does_not_go_below_the_lower_bound_and_finds_usual_what_it_meets_there() -> None:
    width = AdaptiveLimit(lowest=4, highest=32)
    for at in range(SAMPLES):
        width.answered("PUT", left_at=at, now=at + 0.1, under_way=4)
    for at in range(1000, 1000 + 40 * SAMPLES):
        width.answered("PUT", left_at=at, now=at + 0.1 * 1.2 ** ((at - 1000) / SAMPLES), under_way=32)

    assert 4 <= width.calls < 8

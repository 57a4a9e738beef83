"""One run at a time for a client: held, kept alive, waited for, given back, taken over; by tasks and by processes."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from armrest.delivery import hold_lease
from armrest.outbox import Lease, LeaseHeld, LeaseLost, Outbox, lease_holders, renew_lease
from armrest.sandbox import SandboxServer
from tests.delivery.bare import Bare, Job
from tests.delivery.conftest import API_URL, CLIENT_NO, Planned, people
from tests.delivery.test_trouble_here import taken_over
from tests.virtual_time import virtual_time

Holding = Callable[..., AbstractAsyncContextManager[Lease]]


@pytest.fixture
def holding(outbox: Outbox) -> Holding:
    """Return a function that holds a client: `async with holding("run", wait_seconds=10):`."""

    def hold(run_id: str, *, seconds: float = 60, wait_seconds: float = 0) -> AbstractAsyncContextManager[Lease]:
        return hold_lease(
            outbox.ledger,
            api_url=API_URL,
            client_no=CLIENT_NO,
            run_id=run_id,
            seconds=seconds,
            wait_seconds=wait_seconds,
        )

    return hold


@virtual_time
async def test_who_comes_second_is_told_who_holds_the_client(holding: Holding) -> None:
    async with holding("first"):
        with pytest.raises(LeaseHeld) as held:
            async with holding("second"):
                pytest.fail("it holds what is held")

    assert held.value.message.startswith("run first is sending for client 2218")
    assert held.value.message.endswith("wait for it to end, or give --wait 10m")
    assert asyncio.get_running_loop().time() == 0


@virtual_time
async def test_another_process_of_the_same_run_is_second_too(holding: Holding) -> None:
    async with holding("run"):
        with pytest.raises(LeaseHeld):
            async with holding("run"):
                pytest.fail("it holds what is held")


@virtual_time
async def test_a_wait_ends_when_the_client_is_free(holding: Holding) -> None:
    loop = asyncio.get_running_loop()

    async def first() -> None:
        async with holding("first"):
            await asyncio.sleep(100)

    held = asyncio.create_task(first())
    await asyncio.sleep(1)
    async with holding("second", wait_seconds=600):
        assert 100 <= loop.time() <= 102
    await held


@virtual_time
async def test_a_wait_has_an_end(holding: Holding) -> None:
    loop = asyncio.get_running_loop()

    async with holding("first"):
        with pytest.raises(LeaseHeld, match="run first"):
            async with holding("second", wait_seconds=90):
                pytest.fail("it holds what is held")
        assert loop.time() == pytest.approx(90)


@virtual_time
async def test_of_many_that_wait_one_holds_it_at_a_time(holding: Holding) -> None:
    holders: list[int] = []

    async def one(number: int) -> None:
        async with holding(f"run {number}", wait_seconds=1000):
            holders.append(number)
            assert len(holders) == 1
            await asyncio.sleep(10)
            holders.remove(number)

    await asyncio.gather(*(one(number) for number in range(8)))


@virtual_time
async def test_the_heartbeat_keeps_it_for_an_hour(holding: Holding, outbox: Outbox) -> None:
    async with holding("first", seconds=30):
        for _ in range(4):
            await asyncio.sleep(1000)
            assert list(lease_holders(outbox.ledger).values()) == ["first"]


@virtual_time
async def test_it_is_given_back_whatever_happens(holding: Holding, outbox: Outbox) -> None:
    with pytest.raises(ZeroDivisionError):
        async with holding("first"):
            raise ZeroDivisionError

    assert lease_holders(outbox.ledger) == {}


@virtual_time
async def test_it_is_given_back_when_the_holder_is_cancelled(holding: Holding, outbox: Outbox) -> None:
    async def hold() -> None:
        async with holding("first"):
            await asyncio.sleep(1000)

    held = asyncio.create_task(hold())
    await asyncio.sleep(1)
    held.cancel()
    with pytest.raises(asyncio.CancelledError):
        await held

    assert lease_holders(outbox.ledger) == {}


@virtual_time
async def test_who_was_taken_over_gives_nothing_back_and_is_told(
    holding: Holding, outbox: Outbox, planned: Planned
) -> None:
    run = planned(people(1))

    async with holding("run") as lease:
        taken_over(outbox, run)
        await asyncio.sleep(100)
        with pytest.raises(LeaseLost, match="run run no longer holds client 2218: run other has taken over"):
            renew_lease(outbox.ledger, lease)

    with outbox.ledger.read() as tx:
        assert tx.exec_driver_sql("SELECT holder_run_id FROM clients").scalar_one() == "other"


@pytest.fixture
def start(tmp_path: Path, server: SandboxServer) -> Iterator[Callable[..., Bare]]:
    """Yield a function that starts a bare engine: `start("run", name="Anne", customers=20)`."""
    with ExitStack() as stack:

        def start(run_id: str, **more: Any) -> Bare:
            process = Bare(Job(home=tmp_path, api_url=server.api_url, run_id=run_id, **more))
            stack.callback(process.kill)
            return process

        yield start


def test_of_two_processes_started_at_the_same_second_one_sends(
    start: Callable[..., Bare], server: SandboxServer
) -> None:
    server.behaviour.delay_seconds = 3600
    both = [start(f"run-{name}", name=name, customers=20) for name in ("Anne", "Berit")]
    until(lambda: any(process.ended for process in both) and len(server.records.batches(CLIENT_NO)) == 4)
    [second] = [process for process in both if process.ended]
    [first] = [process for process in both if process is not second]
    server.records.drain()

    assert first.told() == ""
    assert "is sending for client 2218" in second.told()
    assert len(server.records.batches(CLIENT_NO)) == 4
    assert len({customer["name"] for customer in server.records.customers(CLIENT_NO).values()}) == 1


def test_of_two_that_may_wait_the_one_sends_after_the_other(start: Callable[..., Bare], server: SandboxServer) -> None:
    both = [start(f"run-{name}", name=name, customers=20, wait_seconds=60) for name in ("Anne", "Berit")]

    assert [process.told() for process in both] == ["", ""]
    names = [b"Anne" in batch.body for batch in server.records.batches(CLIENT_NO)]
    assert len(names) == 8
    assert names in (sorted(names), sorted(names, reverse=True))


def test_a_holder_that_is_stopped_and_wakes_after_the_takeover_sends_nothing_more(
    start: Callable[..., Bare], server: SandboxServer
) -> None:
    server.behaviour.slow_seconds = 0.2
    server.behaviour.faults = {"slow": 1.0}  # type: ignore[dict-item]
    slept = start("run-1", name="Old", customers=300, options={"lease_seconds": 1.0})
    until(lambda: len(server.records.batches(CLIENT_NO)) >= 5)
    slept.stop()
    server.behaviour.faults = {}
    time.sleep(0.3)  # what has left arrives
    before = len(server.records.batches(CLIENT_NO))

    other = start("run-2", name="New", customers=300, wait_seconds=30, options={"lease_seconds": 1.0})
    assert other.told() == ""
    taken = len(server.records.batches(CLIENT_NO))
    slept.go_on()

    assert "LeaseLost: run run-1 no longer holds client 2218" in slept.told()
    assert "continue with `armrest resume run-1`" in slept.told()
    batches = server.records.batches(CLIENT_NO)
    newer = {number for batch in batches if b"New" in batch.body for number in numbers_in(batch.body)}
    late = [number for batch in batches[taken:] for number in numbers_in(batch.body)]
    assert taken > before
    assert len(late) <= 5 * 8  # whose intent was committed before the takeover: documented
    assert not newer & set(late)


def numbers_in(body: bytes) -> list[str]:
    return [customer["customerNo"] for customer in json.loads(body)["customers"]]


def until(true: Callable[[], bool], *, seconds: float = 120.0) -> None:
    """Wait for something of another process."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it has not come"
        time.sleep(0.01)

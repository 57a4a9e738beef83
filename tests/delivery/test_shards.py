"""Ten processes that send one run know of each other what the ledger has, and send about as fast as one would."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

import httpx
import pytest
from pydantic import SecretStr

from armrest.api import ArmClient, FixedToken
from armrest.app.workspace import shard_options
from armrest.delivery import Delivery, DeliveryOptions, hold_lease, keep_alive
from armrest.outbox import (
    Lease,
    LeaseHeld,
    Outbox,
    Run,
    State,
    batches_in,
    join_lease,
    shards_of,
    take_lease,
    usual_seconds,
)
from armrest.sandbox import TOKEN, BooksTransport, Sandbox
from tests.delivery.conftest import API_URL, CLIENT_NO, PUT, Planned, carry_slices, people, sent
from tests.virtual_time import EPOCH, now, virtual_time

SHARDS: Final = 10
OPTIONS: Final = DeliveryOptions(concurrency=64, poll_first_seconds=0.5, deadline_seconds=36_000)
ROOT: Final = Path(__file__).parents[2]


@dataclass
class Arm(httpx.AsyncBaseTransport):
    """The sandbox's books, worked on by so many servers, each for so long; what comes on top waits.

    Attributes:
        waited: For each request, when it was answered and how long it took.
    """

    sandbox: Sandbox
    servers: int
    seconds: Callable[[], float]
    waited: list[tuple[float, float]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.servers)
        self._books = BooksTransport(self.sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        loop = asyncio.get_running_loop()
        came_at = loop.time()
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            async with self._free:
                await asyncio.sleep(self.seconds())
                return await self._books.handle_async_request(request)
        finally:
            self.under_way -= 1
            self.waited.append((loop.time(), loop.time() - came_at))

    def settled(self) -> tuple[float, float]:
        """Requests answered a second, and how long one took, in the middle half of all that came."""
        middle = self.waited[len(self.waited) // 4 : 3 * len(self.waited) // 4]
        return len(middle) / (middle[-1][0] - middle[0][0]), median(took for _, took in middle)


def evenly(seconds: float) -> Callable[[], float]:
    return lambda: seconds


def unevenly(seconds: float) -> Callable[[], float]:
    random = Random(7)
    return lambda: random.uniform(0.5 * seconds, 1.5 * seconds)


async def carry(outbox: Outbox, arm: Arm, run: Run, *, shards: int) -> None:
    """Send a run as its parent and so many workers do, or as one process does."""
    async with AsyncExitStack() as held:
        lease = await held.enter_async_context(holding(outbox, run))
        if shards == 1:
            await _send(outbox, arm, run, lease, OPTIONS, range(1, run.slices + 1))
            return
        async with _delivery(outbox, arm, run, lease, OPTIONS) as parent:
            await parent.send_first()
        options = shard_options(OPTIONS, shards, usual_seconds(outbox.ledger, run))
        await asyncio.gather(
            *(
                _send(
                    outbox,
                    arm,
                    run,
                    join_lease(outbox.ledger, run, shard, seconds=60),
                    options,
                    range(shard.first_slice, shard.last_slice + 1),
                )
                for shard in shards_of(run, shards)
            )
        )


@asynccontextmanager
async def holding(outbox: Outbox, run: Run) -> AsyncIterator[Lease]:
    about = {"api_url": run.api_url, "client_no": run.client_no, "run_id": run.run_id}
    async with hold_lease(outbox.ledger, **about, seconds=60, by_many=True) as lease:  # type: ignore[arg-type]
        yield lease


async def _send(outbox: Outbox, arm: Arm, run: Run, lease: Lease, options: DeliveryOptions, slices: range) -> None:
    async with _delivery(outbox, arm, run, lease, options, seed=slices.start) as delivery:
        await carry_slices(delivery, slices)


@asynccontextmanager
async def _delivery(
    outbox: Outbox, arm: Arm, run: Run, lease: Lease, options: DeliveryOptions, *, seed: int = 0
) -> AsyncIterator[Delivery]:
    client = ArmClient(API_URL, FixedToken(SecretStr(TOKEN)), transport=arm, timeout_seconds=600, now=now)
    async with client, Delivery(outbox, client, run, lease, options, random=Random(seed)) as delivery:
        yield delivery


def refused_share(sandbox: Sandbox) -> float:
    refused = sum(times for (_, _, status), times in sandbox.answers.items() if status == 429)
    return refused / sum(sandbox.answers.values())


LONG: Final = partial(pytest.param, marks=pytest.mark.long)


@pytest.mark.parametrize("retry_after", ["seconds", "none"], ids=["Retry-After", "no Retry-After"])
@pytest.mark.parametrize(
    ("allowed", "share", "batches"),
    [
        (5, 0.15, 300),
        pytest.param(20, 0.06, 800, marks=pytest.mark.long),
        pytest.param(50, 0.06, 1000, marks=pytest.mark.long),
    ],
)
@virtual_time
async def test_ten_shards_settle_at_what_is_allowed_without_a_storm_of_429s(
    outbox: Outbox, sandbox: Sandbox, planned: Planned, allowed: int, share: float, batches: int, retry_after: Any
) -> None:
    sandbox.behaviour.rate, sandbox.behaviour.retry_after_form = allowed, retry_after
    run = planned(people(batches), batch_size=1)
    arm = Arm(sandbox, servers=1000, seconds=unevenly(0.1))

    await carry(outbox, arm, run, shards=SHARDS)

    assert {batch.state for batch in batches_in(outbox.ledger, run, list(State))} == {State.SETTLED}
    assert sent(sandbox, PUT, 202) == batches
    per_second, _ = arm.settled()
    assert 0.8 * allowed <= per_second <= 1.15 * allowed
    assert refused_share(sandbox) <= share


@pytest.mark.parametrize(
    ("servers", "seconds", "batches"),
    [
        (1, 0.2, 300),
        pytest.param(5, 0.1, 800, marks=pytest.mark.long),
        pytest.param(50, 0.1, 1000, marks=pytest.mark.long),
    ],
    ids=["5 a second", "50 a second", "500 a second"],
)
@virtual_time
async def test_ten_shards_queue_about_as_little_as_one_process(
    outbox: Outbox, sandbox: Sandbox, planned: Planned, servers: int, seconds: float, batches: int
) -> None:
    together = Arm(sandbox, servers, evenly(seconds))
    await carry(outbox, together, planned(people(batches), batch_size=1), shards=SHARDS)
    alone = Arm(sandbox, servers, evenly(seconds))
    await carry(outbox, alone, planned(people(batches), run_id="alone", batch_size=1), shards=1)

    (served, took), (served_alone, took_alone) = together.settled(), alone.settled()
    assert together.most_under_way <= OPTIONS.concurrency
    assert served >= 0.9 * served_alone
    assert took <= max(2 * took_alone, SHARDS * seconds / servers)  # each has one call under way at least


def test_the_bounds_of_calls_at_once_are_divided_among_shards() -> None:
    mine = shard_options(DeliveryOptions(concurrency=64, min_concurrency=20), SHARDS, {"PUT": 0.1})

    assert (mine.concurrency, mine.min_concurrency) == (6, 2)


FIRST_OF_MANY: Final = """
import asyncio, sys
from armrest.delivery import hold_lease
from armrest.outbox import Outbox
url, bodies, api_url, client_no, at = sys.argv[1:]

async def hold(outbox):
    about = {"api_url": api_url, "client_no": int(client_no), "run_id": "run", "seconds": 60, "by_many": True}
    async with hold_lease(outbox.ledger, **about):
        print("held", flush=True)
        await asyncio.sleep(3600)

with Outbox.open(url, bodies, now=lambda: float(at)) as outbox:
    asyncio.run(hold(outbox))
"""


@virtual_time
async def test_a_worker_keeps_the_client_for_its_run_when_the_parent_is_killed(
    outbox: Outbox, planned: Planned, ledger_url: str, tmp_path: Path
) -> None:
    run = planned(people(10), batch_size=1)
    about = [ledger_url, str(tmp_path / "bodies"), API_URL, str(CLIENT_NO), str(EPOCH)]
    command = [sys.executable, "-c", FIRST_OF_MANY, *about]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:  # noqa: ASYNC220
        assert parent.stdout
        assert parent.stdout.readline() == "held\n"
        parent.kill()

    def take(run_id: str) -> Lease:
        return take_lease(outbox.ledger, api_url=API_URL, client_no=CLIENT_NO, run_id=run_id, seconds=60)

    lease = join_lease(outbox.ledger, run, shards_of(run, 2)[1], seconds=60)
    async with keep_alive(outbox.ledger, lease):
        for _ in range(100):
            await asyncio.sleep(50)
            for run_id in ("another", "run"):
                with pytest.raises(LeaseHeld):
                    take(run_id)
    await asyncio.sleep(61)

    assert take("another").epoch > lease.epoch

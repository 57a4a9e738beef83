"""Many slices at once, many batches, large bodies: bounded requests, bounded memory."""

import asyncio
import itertools
import tracemalloc
from dataclasses import replace

import httpx

from armrest.outbox import State
from armrest.sandbox import Sandbox
from tests.delivery.conftest import Engine, Planned, people
from tests.delivery.unwell import Unwell
from tests.virtual_time import virtual_time


@virtual_time
async def test_a_hundred_slices_at_once_keep_to_the_concurrency(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(200), batch_size=1)
    arm = Unwell(sandbox, seconds=0.1)

    told = await replace(engine, transport=arm).carry(run)

    assert (run.slices, told.state) == (100, "Completed")
    assert arm.most_under_way == 8
    assert len(arm.times["PUT"]) == len(arm.times["GET"]) == 200
    assert asyncio.get_running_loop().time() < 20


class Forgetful(httpx.AsyncBaseTransport):
    """Accepts every batch after a while, and keeps nothing of it."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.1)
        return httpx.Response(202, json={"batchUuid": f"{next(self._numbers):022}"}, request=request)


@virtual_time
async def test_what_waits_for_its_turn_is_not_in_memory(engine: Engine, planned: Planned) -> None:
    run = planned(people(1200, name="x" * 20_000), batch_size=20)  # 60 bodies of 400 kB
    body_bytes = engine.batches(run)[0].body.length
    waiting = replace(engine, transport=Forgetful())

    async with waiting.delivering(run) as delivery:
        tracemalloc.start()
        await asyncio.gather(*(delivery.submit(n) for n in range(1, run.slices + 1)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert set(engine.states(run)) == {State.ACCEPTED}
    assert peak < len(engine.batches(run)) * body_bytes / 2

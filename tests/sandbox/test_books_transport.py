"""Without a socket, on a clock that passes when it is slept on, httpx meets the same sandbox."""

from collections.abc import AsyncIterator

import httpx
import pytest

from armrest.sandbox import BooksTransport, Fault, Sandbox
from tests.sandbox.asking import BATCHES, Clock

BODY = {"metadata": {"userId": "ola.nordmann"}, "customers": [{"customerNo": "10001", "name": "Åse"}]}


@pytest.fixture
async def http(sandbox: Sandbox, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    headers = {"Authorization": f"Bearer {sandbox.token}"}
    transport = BooksTransport(sandbox, sleep=sleep, travel=lambda: 1.0)
    async with httpx.AsyncClient(transport=transport, base_url="http://arm/arm/v1", headers=headers) as client:
        yield client


async def test_a_batch_goes_from_httpx_into_the_books(sandbox: Sandbox, http: httpx.AsyncClient, clock: Clock) -> None:
    before = clock()
    accepted = await http.put(BATCHES, json=BODY)

    assert accepted.status_code == 202
    assert accepted.json()["getResult"].startswith("http://arm/arm/v1/clients/2218/batches/")
    assert clock() - before == 2.0
    assert sandbox.records.customers(2218)["10001"]["name"] == "Åse"


async def test_unknown_paths_are_answered_alike(http: httpx.AsyncClient) -> None:
    assert (await http.get("/clients/2218/nothing")).status_code == 404


@pytest.mark.parametrize(
    ("fault", "error", "accepted"),
    [
        (Fault.RESET_BEFORE, httpx.ReadError, 0),
        (Fault.RESET_AFTER, httpx.ReadError, 1),
        (Fault.CUT, httpx.RemoteProtocolError, 1),
        (Fault.SLOW, httpx.ReadTimeout, 1),
    ],
)
async def test_it_breaks_what_the_sandbox_breaks(
    sandbox: Sandbox, http: httpx.AsyncClient, fault: Fault, error: type[Exception], accepted: int
) -> None:
    sandbox.behaviour.faults = {fault: 1.0}
    sandbox.behaviour.slow_seconds = 100
    with pytest.raises(error):
        await http.put(BATCHES, json=BODY, timeout=10)

    assert len(sandbox.records.batches()) == accepted


async def test_a_slow_answer_costs_no_more_than_the_timeout(
    sandbox: Sandbox, http: httpx.AsyncClient, clock: Clock
) -> None:
    sandbox.behaviour.faults = {Fault.SLOW: 1.0}
    sandbox.behaviour.slow_seconds = 100
    before = clock()
    with pytest.raises(httpx.ReadTimeout):
        await http.put(BATCHES, json=BODY, timeout=10)

    assert clock() - before == 1.0 + 10

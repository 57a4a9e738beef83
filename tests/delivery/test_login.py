"""The login under the engine: expiry, renewal, an identity server in trouble, a token that is refused."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from armrest.api import ClientCredentials, FixedToken
from armrest.delivery import NeverReached
from armrest.outbox import State
from armrest.sandbox import CLIENT_ID, CLIENT_SECRET, IDENTITY, BooksTransport, Sandbox
from tests.delivery.conftest import PUT, Engine, Planned, people, sent
from tests.delivery.unwell import Unwell, status
from tests.virtual_time import now, virtual_time

TOKEN = ("POST", "/identity/token")
Trouble = Callable[[httpx.Request], httpx.Response]


class Identity(BooksTransport):
    """The sandbox's Identity API, which can be in trouble."""

    trouble: Trouble | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.trouble(request) if self.trouble else await super().handle_async_request(request)


@pytest.fixture
def identity(sandbox: Sandbox) -> Identity:
    return Identity(sandbox)


def logging_in(engine: Engine, identity: Identity, *, secret: str = CLIENT_SECRET) -> Engine:
    """Return the engine with a login in the place of its token."""
    url = f"http://127.0.0.1:1{IDENTITY}"
    return replace(engine, tokens=ClientCredentials(url, CLIENT_ID, SecretStr(secret), transport=identity, now=now))


@virtual_time
async def test_a_token_that_expires_in_mid_run_is_replaced(
    engine: Engine, planned: Planned, sandbox: Sandbox, identity: Identity
) -> None:
    sandbox.behaviour.token_lifetime_seconds = 60
    run = planned(people(100), batch_size=2)
    slow = logging_in(replace(engine, transport=BooksTransport(sandbox, travel=lambda: 5.0)), identity)

    told = await slow.carry(run)

    assert (told.state, sent(sandbox, PUT)) == ("Completed", 50)
    assert 2 <= sent(sandbox, TOKEN) <= 20


@virtual_time
async def test_twenty_401s_at_once_cause_one_renewal(
    engine: Engine, planned: Planned, sandbox: Sandbox, identity: Identity
) -> None:
    run = planned(people(41), batch_size=1)
    arm = Unwell(sandbox, puts=[None, *[status(401)] * 20], seconds=1.0)

    told = await logging_in(replace(engine, transport=arm), identity).carry(run, concurrency=20, min_concurrency=20)

    assert (told.state, arm.most_under_way) == ("Completed", 20)
    assert sent(sandbox, TOKEN) == 2
    assert {attempt.outcome for attempt in engine.history(run) if attempt.what == "PUT"} == {"accepted"}


@virtual_time
async def test_a_token_that_is_refused_from_the_start_stops_the_run_at_once(
    engine: Engine, planned: Planned, sandbox: Sandbox
) -> None:
    run = planned(people(50), batch_size=1)

    told = await replace(engine, tokens=FixedToken(SecretStr("old"))).carry(run)

    assert (told.state, told.message.split(";")[0]) == ("Failed", "ARM refused the token (401)")
    assert "ARMREST_TOKEN" in told.message
    assert sent(sandbox, PUT) == 1
    assert set(engine.states(run)) == {State.PLANNED}


@virtual_time
async def test_a_fresh_token_that_is_refused_too_stops_the_run(
    engine: Engine, planned: Planned, sandbox: Sandbox, identity: Identity
) -> None:
    run = planned(people(50), batch_size=1)
    arm = Unwell(sandbox, always=status(401))

    told = await logging_in(replace(engine, transport=arm), identity).carry(run)

    assert (told.state, told.customers.open, len(arm.bodies)) == ("Failed", 50, 2)
    assert "and a renewed one" in told.message


@virtual_time
async def test_a_login_that_is_refused_stops_the_run_before_anything_is_sent(
    engine: Engine, planned: Planned, sandbox: Sandbox, identity: Identity
) -> None:
    told = await logging_in(engine, identity, secret="wrong").carry(planned(people(50), batch_size=1))

    assert (told.state, sent(sandbox, PUT), sent(sandbox, TOKEN)) == ("Failed", 0, 1)
    assert "ARMREST_IDENTITY_CLIENT_SECRET" in told.message


TROUBLES: dict[str, Trouble] = {
    "500": status(500),
    "502": status(502),
    "no token": lambda request: httpx.Response(200, json={}, request=request),
    "a page of HTML": lambda request: httpx.Response(200, text="<html>", request=request),
}


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("silent", request=request)


@pytest.mark.parametrize("trouble", [unreachable, silent])
@virtual_time
async def test_an_identity_server_that_cannot_be_reached_is_told_within_seconds(
    engine: Engine, planned: Planned, sandbox: Sandbox, identity: Identity, trouble: Trouble
) -> None:
    identity.trouble = trouble
    run = planned(people(50), batch_size=1)

    async with logging_in(engine, identity).delivering(run) as delivery:
        with pytest.raises(NeverReached, match="nothing was sent"):
            await delivery.submit(1)

    assert asyncio.get_running_loop().time() < 5
    assert set(engine.states(run)) == {State.PLANNED}


@pytest.mark.parametrize("trouble", [*TROUBLES.values(), unreachable], ids=[*TROUBLES, "unreachable"])
@virtual_time
async def test_an_identity_server_in_trouble_puts_nothing_in_doubt(
    engine: Engine, planned: Planned, sandbox: Sandbox, identity: Identity, trouble: Trouble
) -> None:
    identity.trouble = trouble
    run = planned(people(3))

    told = await logging_in(engine, identity).carry(run)

    [batch] = engine.batches(run)
    assert (told.customers.open, sent(sandbox, PUT)) == (3, 0)
    assert (batch.state, batch.doubtful) == (State.PLANNED, False)


@virtual_time
async def test_an_identity_server_that_recovers_is_waited_for(
    engine: Engine, planned: Planned, sandbox: Sandbox, identity: Identity
) -> None:
    sandbox.behaviour.token_lifetime_seconds = 60
    run = planned(people(60), batch_size=2)
    slow = logging_in(replace(engine, transport=BooksTransport(sandbox, travel=lambda: 5.0)), identity)
    loop = asyncio.get_running_loop()
    loop.call_at(30, setattr, identity, "trouble", status(503))
    loop.call_at(90, setattr, identity, "trouble", None)

    told = await slow.carry(run)

    assert (told.state, told.customers.settled) == ("Completed", 60)
    assert not any(batch.doubtful for batch in engine.batches(run))

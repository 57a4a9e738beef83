"""A stand-in of ARM for the room that speaks to it, and a client that speaks to a socket of the test's own."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from armrest.api import ArmClient, FixedToken
from armrest.sandbox import SandboxServer
from tests.api.raw_server import Answering, RawServer, raw_server

TOKEN = "the-secret-token"

Opened = AbstractAsyncContextManager[tuple[ArmClient, RawServer]]
Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def arm() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1) as server:
        yield server


@pytest.fixture
def sandbox(arm: SandboxServer) -> SandboxServer:
    arm.reset()
    return arm


@pytest.fixture
async def client(sandbox: SandboxServer) -> AsyncIterator[ArmClient]:
    async with ArmClient(sandbox.api_url, FixedToken(SecretStr(sandbox.token))) as client:
        yield client


@pytest.fixture
def against() -> Open:
    """Open a client of a socket that answers as the test says."""

    @asynccontextmanager
    async def opened(answering: Answering, **options: Any) -> AsyncIterator[tuple[ArmClient, RawServer]]:
        async with raw_server(answering) as server:
            tokens = FixedToken(SecretStr(TOKEN))
            async with ArmClient(f"{server.url}/arm/v1", tokens, **options) as client:
                yield client, server

    return opened

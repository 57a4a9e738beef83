"""The sandbox without a socket: an httpx transport, for the deterministic simulation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from armrest.sandbox.sandbox import Sandbox


def _at_once() -> float:
    return 0.0


class BooksTransport(httpx.AsyncBaseTransport):
    """Passes httpx requests to a sandbox, and breaks connections as the sandbox asks.

    Args:
        sleep: Waits this many seconds; the virtual clock's in a simulation.
        travel: Returns the seconds that a request travels, and again its answer. A task that is cancelled meanwhile
            leaves a request that has not arrived, or an answer that is not read.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        travel: Callable[[], float] = _at_once,
    ) -> None:
        self._sandbox = sandbox
        self._sleep = sleep
        self._travel = travel

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.ReadError: The sandbox broke the connection.
            httpx.ReadTimeout: The answer takes longer than the request's read timeout.
        """
        body = await request.aread()
        await self._sleep(self._travel())
        reply = self._sandbox.handle(request.method, request.url.raw_path.decode(), request.headers, body)
        await self._wait(self._travel() + reply.wait_seconds, request)
        if reply.broken == "reset":
            raise httpx.ReadError("Connection reset by the sandbox", request=request)
        headers = {**reply.headers, "content-length": str(len(reply.body))}
        stream = _CutStream(reply.body, request) if reply.broken == "cut" else httpx.ByteStream(reply.body)
        return httpx.Response(reply.status, headers=headers, stream=stream, request=request)

    async def _wait(self, seconds: float, request: httpx.Request) -> None:
        timeout = request.extensions.get("timeout", {}).get("read")
        if timeout is not None and seconds > timeout:
            await self._sleep(timeout)
            raise httpx.ReadTimeout("The sandbox took too long", request=request)
        await self._sleep(seconds)


class _CutStream(httpx.AsyncByteStream):
    """Half of a body, then the end of the connection."""

    def __init__(self, body: bytes, request: httpx.Request) -> None:
        self._body = body
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx.RemoteProtocolError("The sandbox closed the connection in its answer", request=self._request)

"""The sandbox's books behind a network that is told, request by request, what goes wrong."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from itertools import pairwise

import httpx

from armrest.sandbox import BooksTransport, Sandbox

Mishap = Callable[[httpx.Request], httpx.Response]
"""Answers in ARM's place, or raises what httpx raises."""


def status(code: int, **headers: str) -> Mishap:
    """Return a mishap that answers a status without a word; a header's `_` stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(code, headers=named, request=request)


def broken(kind: type[httpx.TransportError]) -> Mishap:
    """Return a mishap that raises one of httpx's errors."""

    def act(request: httpx.Request) -> httpx.Response:
        raise kind("broken", request=request)

    return act


class Unwell(httpx.AsyncBaseTransport):
    """Has a mishap for each of the first requests of a kind, then hands on to the books; `None` hands on as well.

    Attributes:
        times: When each request came, by method, in seconds of the event loop.
        bodies: What the PUTs carried.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        puts: Iterable[Mishap | None] = (),
        gets: Iterable[Mishap | None] = (),
        always: Mishap | None = None,
        seconds: float = 0.0,
    ) -> None:
        self._books = BooksTransport(sandbox)
        self._mishaps = {"PUT": deque(puts), "GET": deque(gets)}
        self._always = always
        self._seconds = seconds
        self.times: dict[str, list[float]] = {"PUT": [], "GET": []}
        self.bodies: list[bytes] = []
        self.under_way = self.most_under_way = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.times[request.method].append(asyncio.get_running_loop().time())
        if request.method == "PUT":
            self.bodies.append(request.content)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self._seconds)
            mishaps = self._mishaps[request.method]
            mishap = mishaps.popleft() if mishaps else self._always
            return mishap(request) if mishap else await self._books.handle_async_request(request)
        finally:
            self.under_way -= 1

    def waits(self, method: str = "PUT") -> list[float]:
        """Return the seconds between the requests of a kind."""
        times = self.times[method]
        return [later - earlier for earlier, later in pairwise(times)]

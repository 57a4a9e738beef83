"""Connections to ARM, in several small pools.

For each request, httpx checks every connection of its pool, and polls the idle ones, which is slow with 64 calls at
once. So each pool has eight connections, and another pool is opened when all are busy. Reasons:
docs/decisions/0065-lanes.md.
"""

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx

from armrest.api.http.transport import open_http

CONNECTIONS_PER_POOL: Final = 8


@dataclass(slots=True)
class _Pool:
    http: httpx.AsyncClient
    free: int


class ConnectionPools:
    """As many pools as the calls under way need.

    Args:
        transport: Replaces the network: one pool takes all calls, and closes the transport with it.
        pool_size: The most connections at once in all pools.
    """

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None, timeout_seconds: float, pool_size: int) -> None:
        self._unused = pool_size
        self._size = pool_size if transport else CONNECTIONS_PER_POOL
        tls = True if transport else httpx.create_ssl_context()
        self._open = partial(open_http, transport=transport, timeout_seconds=timeout_seconds, tls=tls)
        self._pools: list[_Pool] = []
        self._open_pool()

    @contextmanager
    def acquire(self) -> Iterator[httpx.AsyncClient]:
        """Lend a client for one call, from the first pool with a free connection, else from the least busy one."""
        pool = next((pool for pool in self._pools if pool.free > 0), None) or self._open_pool()
        pool.free -= 1
        try:
            yield pool.http
        finally:
            pool.free += 1

    def _open_pool(self) -> _Pool:
        """Open a pool and return it; if all are open, return the least busy one."""
        if not self._unused:
            return max(self._pools, key=lambda pool: pool.free)
        size = min(self._size, self._unused)
        self._unused -= size
        self._pools.append(_Pool(self._open(pool_size=size), size))
        return self._pools[-1]

    async def close(self) -> None:
        """Close all connections."""
        async with AsyncExitStack() as stack:
            for pool in self._pools:
                stack.push_async_callback(pool.http.aclose)

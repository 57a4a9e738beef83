"""One request out, one bounded answer in: what httpx leaves open is closed here.

An answer is bounded in time as a whole, not byte by byte, and in size after decompression; no redirect is followed;
every failure beneath is either `Unreachable` (nothing left) or `AnswerLost` (it may have left).
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, cast

import httpx

from armrest.api.errors import AnswerLost, ArmError, Unreachable
from armrest.api.http.headers import REQUEST_ID, request_id

USER_AGENT: Final = f"armrest-flows/{version('armrest-flows')}"
MAX_PORT: Final = 65_535
NOTHING_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""What httpx raises before the first byte of a request is written. After anything else it may have arrived."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came. `body` is None where it is too large or cannot be decompressed."""

    status: int
    headers: httpx.Headers
    body: bytes | None
    request_id: str


def origin(url: str) -> str:
    """Return scheme, host and port of an address that requests may be built on.

    Raises:
        ValueError: It is no plain http or https address.
    """
    with suppress(httpx.InvalidURL, ValueError):
        parts = httpx.URL(url)
        whole = parts.scheme in {"http", "https"} and parts.host and (parts.port or 0) <= MAX_PORT
        if whole and not (parts.userinfo or parts.query or parts.fragment):
            return f"{parts.scheme}://{parts.netloc.decode()}"
    raise ValueError("the address must look like https://api.staging.amili.no/arm/v1")


def open_http(
    *,
    transport: httpx.AsyncBaseTransport | None,
    timeout_seconds: float,
    pool_size: int,
    tls: ssl.SSLContext | bool = True,
) -> httpx.AsyncClient:
    """Return a client that follows nothing, and takes an answer plain or in gzip.

    Waiting for a connection may take a quarter of the time that a request has, and so may each step of making one:
    what could not be sent is then always told apart from what left.
    """
    quarter = timeout_seconds / 4
    return httpx.AsyncClient(
        transport=transport,
        verify=tls,
        follow_redirects=False,
        timeout=httpx.Timeout(timeout_seconds, connect=quarter, pool=quarter),
        limits=httpx.Limits(max_connections=pool_size, max_keepalive_connections=pool_size),
        headers={"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"},
    )


async def exchange(
    http: httpx.AsyncClient, request: httpx.Request, *, timeout_seconds: float, max_answer_bytes: int
) -> RawAnswer:
    """Send a request and return its answer, of whatever status.

    Raises:
        Unreachable: Nothing left.
        AnswerLost: The request may have left; no whole answer came within `timeout_seconds`.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            response = await http.send(request, stream=True)
            try:
                body = await _body(response, max_answer_bytes)
            finally:
                await response.aclose()
                del response.stream  # it holds the answer, which holds the request: its body would wait to be collected
    except (httpx.HTTPError, OSError) as error:  # TimeoutError is an OSError
        raise failure_for(error, request) from None
    ours = request.headers.get(REQUEST_ID, "")
    return RawAnswer(response.status_code, response.headers, body, request_id(response.headers, ours))


def failure_for(error: Exception, request: httpx.Request) -> ArmError:
    """Return what a failure beneath means to the caller. Its text is left out: it may quote header or body."""
    where, event = f"{request.url.scheme}://{request.url.netloc.decode()}", type(error).__name__
    ours = request.headers.get(REQUEST_ID)
    if isinstance(error, NOTHING_LEFT):
        advice = "check the address, the network and any proxy"
        return Unreachable(f"{where} cannot be reached ({event}); {advice}", request_id=ours)
    effect = "whether the request was carried out is not known"
    return AnswerLost(f"{where} gave no whole answer ({event}); {effect}", request_id=ours)


async def _body(response: httpx.Response, max_bytes: int) -> bytes | None:
    if response.is_stream_consumed:  # a transport within the process may hand over a whole answer
        return response.content if len(response.content) <= max_bytes else None
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip"}:
        return None
    unzip: Any = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None
    body = bytearray()
    try:
        async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_raw())) as chunks:
            async for chunk in chunks:
                # never unpack more than is wanted: a small answer can unpack to gigabytes
                body += unzip.decompress(chunk, max_bytes + 1) if unzip else chunk
                if len(body) > max_bytes:
                    return None
    except zlib.error:
        return None
    return None if unzip and not unzip.eof else bytes(body)

"""Send one request and read one bounded answer, with the limits that httpx does not set.

The whole answer is limited in time, and its decompressed size is limited. No redirect is followed. Every network
failure becomes `Unreachable` (nothing was sent) or `AnswerLost` (it may have been sent).
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
"""Errors that httpx raises before the first byte of a request is sent. After any other, it may have arrived."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An unparsed answer. `body` is None if it is too large or cannot be decompressed."""

    status: int
    headers: httpx.Headers
    body: bytes | None
    request_id: str


def origin(url: str) -> str:
    """Return scheme, host and port of a base URL.

    Raises:
        ValueError: It is not a plain http or https URL.
    """
    with suppress(httpx.InvalidURL, ValueError):
        parts = httpx.URL(url)
        is_base_url = parts.scheme in {"http", "https"} and parts.host and (parts.port or 0) <= MAX_PORT
        if is_base_url and not (parts.userinfo or parts.query or parts.fragment):
            return f"{parts.scheme}://{parts.netloc.decode()}"
    raise ValueError("the address must look like https://api.staging.amili.no/arm/v1")


def open_http(
    *,
    transport: httpx.AsyncBaseTransport | None,
    timeout_seconds: float,
    pool_size: int,
    tls: ssl.SSLContext | bool = True,
) -> httpx.AsyncClient:
    """Return a client that follows no redirects, and accepts answers plain or in gzip.

    Waiting for a connection, and each step of making one, may take a quarter of the request's time. So it is always
    known whether a request was sent.
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
    """Send a request and return its answer, of any status.

    Raises:
        Unreachable: Nothing was sent.
        AnswerLost: The request may have been sent; no complete answer came within `timeout_seconds`.
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
    """Return the error for a network failure, without its text, which may quote headers or the body."""
    where, event = f"{request.url.scheme}://{request.url.netloc.decode()}", type(error).__name__
    ours = request.headers.get(REQUEST_ID)
    if isinstance(error, NOTHING_LEFT):
        advice = "check the address, the network and any proxy"
        return Unreachable(f"{where} cannot be reached ({event}); {advice}", request_id=ours)
    effect = "whether the request was carried out is not known"
    return AnswerLost(f"{where} gave no complete answer ({event}); {effect}", request_id=ours)


async def _body(response: httpx.Response, max_bytes: int) -> bytes | None:
    if response.is_stream_consumed:  # a transport inside the process may return a complete answer
        return response.content if len(response.content) <= max_bytes else None
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip"}:
        return None
    unzip: Any = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None
    body = bytearray()
    try:
        async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_raw())) as chunks:
            async for chunk in chunks:
                # never decompress more than needed: a small answer can unpack to gigabytes
                body += unzip.decompress(chunk, max_bytes + 1) if unzip else chunk
                if len(body) > max_bytes:
                    return None
    except zlib.error:
        return None
    return None if unzip and not unzip.eof else bytes(body)

"""One request, one bounded answer: faults beneath, time and size."""

import asyncio
import gzip
import inspect
import ssl
import traceback
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from armrest.api import (
    AnswerKind,
    AnswerLost,
    AnswerUnknown,
    ArmClient,
    ArmError,
    FixedToken,
    RateLimited,
    Unreachable,
    UnreadableAnswer,
)
from armrest.api.http.transport import NOTHING_LEFT, failure_for
from tests.api.conftest import TOKEN, Open
from tests.api.raw_server import Answering, Seen, says
from tests.virtual_time import let_pass

BODY = b'{"metadata":{"userId":"x"},"customers":[{"customerNo":"10001"}]}'
UUID = "AAAAAAAAAAAAAAAAAAAAAA"
ACCEPTED = {"batchUuid": UUID}
TIMEOUT_SECONDS = 100.0
"""Longer than the slowest machine needs; it is not waited for: the loop's clock is moved."""

MEGABYTE = 1_000_000
TOKENS = FixedToken(SecretStr(TOKEN))


def tree(kind: type[Exception]) -> Iterator[type[Exception]]:
    """A kind of httpx's errors and all beneath it; Prefect, once another test has imported it, has kinds of its own."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.partition(".")[0] == "httpx":
            yield from tree(child)


def name_of(kind: Any) -> str:
    return str(kind.__name__)


OF_HTTPX = [*tree(httpx.HTTPError), ssl.SSLError, ConnectionResetError, TimeoutError]


def test_the_walk_sees_all_of_httpx() -> None:
    named = {getattr(httpx, name) for name in httpx.__all__}
    errors = {kind for kind in named if inspect.isclass(kind) and issubclass(kind, httpx.HTTPError)}

    assert errors <= set(OF_HTTPX)


@pytest.mark.parametrize("kind", OF_HTTPX, ids=name_of)
def test_every_failure_beneath_is_either_nothing_left_or_an_answer_lost(kind: type[Exception]) -> None:
    request = httpx.Request("PUT", "https://arm.example/arm/v1", headers={"Authorization": f"Bearer {TOKEN}"})
    error = failure_for(kind.__new__(kind), request)

    assert type(error) is (Unreachable if issubclass(kind, NOTHING_LEFT) else AnswerLost)
    assert "https://arm.example" in str(error)
    assert kind.__name__ in str(error)


@pytest.mark.parametrize("kind", [kind for kind in OF_HTTPX if kind is not httpx.HTTPStatusError], ids=name_of)
async def test_whatever_a_transport_raises_becomes_an_error_that_quotes_nothing(kind: type[Exception]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise kind(f"cannot send {request.headers['authorization']} to kari@example.no")

    async with ArmClient("http://arm.example", TOKENS, transport=httpx.MockTransport(fail)) as client:
        with pytest.raises(ArmError) as caught:
            await client.put_customers_batch(2218, BODY)

    everything = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert "kari" not in everything
    assert TOKEN not in everything


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    async with ArmClient("http://127.0.0.1:9", TOKENS) as client:
        with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:9 cannot be reached"):
            await client.get_batch(2218, UUID)


async def passed(seconds: float) -> None:
    """Let the loop's clock move on, and everybody act on it."""
    let_pass(seconds)
    for _ in range(5):
        await asyncio.sleep(0)


async def hangs_up(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def stays_silent(_: Seen, writer: asyncio.StreamWriter) -> None:
    let_pass(TIMEOUT_SECONDS)
    await asyncio.Event().wait()


async def breaks_off(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{"batchUuid": "AAAA')


async def speaks_no_http(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 smtp.example.no ready for kari@example.no\r\n\r\n")


async def drips(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    for _ in range(500):
        writer.write(b" ")
        await writer.drain()
        await passed(TIMEOUT_SECONDS / 10)


async def drips_headers(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(500):
        writer.write(b"X-%d: y\r\n" % number)
        await writer.drain()
        await passed(TIMEOUT_SECONDS / 10)


async def headers_without_end(_: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * MEGABYTE)


@pytest.mark.parametrize(
    "answering",
    [hangs_up, resets, stays_silent, breaks_off, speaks_no_http, drips, drips_headers, headers_without_end],
    ids=name_of,
)
async def test_an_answer_that_does_not_come_whole_and_in_time_is_lost(answering: Answering, against: Open) -> None:
    async with against(answering, timeout_seconds=TIMEOUT_SECONDS) as (client, server):
        with pytest.raises(AnswerLost) as caught:
            await client.put_customers_batch(2218, BODY)

    assert caught.value.request_id == server.seen[0].headers["x-request-id"]
    assert "kari" not in str(caught.value)


async def test_a_body_of_50_megabytes_is_cut_off_and_not_read(against: Open) -> None:
    sent = 0

    async def pours(_: Seen, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n" % (50 * MEGABYTE))
        for _ in range(50):
            writer.write(b"x" * MEGABYTE)
            await writer.drain()
            sent += MEGABYTE

    async with against(pours, max_answer_bytes=MEGABYTE) as (client, _):
        with pytest.raises(UnreadableAnswer, match="larger than 1000000 bytes") as caught:
            await client.put_customers_batch(2218, BODY)

    assert caught.value.status == 202
    assert sent < 25 * MEGABYTE


async def test_a_small_answer_that_unpacks_to_gigabytes_is_not_unpacked(against: Open) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(b"\0" * MEGABYTE) for _ in range(300)) + packer.flush()
    tracemalloc.start()
    try:
        async with against(says(200, bomb, Content_Encoding="gzip"), max_answer_bytes=MEGABYTE) as (client, _):
            with pytest.raises(UnreadableAnswer):
                await client.get_batch(2218, UUID)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(bomb) < MEGABYTE / 2
    assert peak < 10 * MEGABYTE


async def test_an_answer_in_gzip_is_read(against: Open) -> None:
    async with against(says(202, gzip.compress(b'{"batchUuid":"%s"}' % UUID.encode()), Content_Encoding="gzip")) as (
        client,
        server,
    ):
        accepted = await client.put_customers_batch(2218, BODY)

    assert accepted.batch_uuid == UUID
    assert server.seen[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(gzip.compress(b"{}")[:-5], "gzip", id="cut-gzip"),
        pytest.param(b"{}", "gzip", id="no-gzip-at-all"),
        pytest.param(b"{}", "br", id="encoding-not-asked-for"),
        pytest.param(gzip.compress(gzip.compress(b"{}")), "gzip, gzip", id="packed-twice"),
    ],
)
async def test_what_cannot_be_unpacked_is_unreadable(content: bytes, encoding: str, against: Open) -> None:
    async with against(says(200, content, Content_Encoding=encoding)) as (client, _):
        with pytest.raises(UnreadableAnswer):
            await client.get_batch(2218, UUID)


async def test_an_error_status_is_that_error_however_large_its_page(against: Open) -> None:
    async with against(says(503, b"x" * 10_000, Retry_After="3"), max_answer_bytes=1_000) as (client, _):
        with pytest.raises(RateLimited) as caught:
            await client.put_customers_batch(2218, BODY)

    assert caught.value.retry_after_seconds == 3.0


async def test_a_connection_that_does_not_come_in_time_is_unreachable(against: Open) -> None:
    arrived = asyncio.Event()

    async def answering(_: Seen, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async with against(answering, timeout_seconds=TIMEOUT_SECONDS, pool_size=1) as (client, server):
        first = asyncio.create_task(client.get_batch(2218, UUID))
        await arrived.wait()
        second = asyncio.create_task(client.get_batch(2218, UUID))
        await passed(0)  # it waits for the connection that the first has
        await passed(TIMEOUT_SECONDS / 4)
        with pytest.raises(Unreachable):
            await second
        assert not first.done()
        let_pass(TIMEOUT_SECONDS)
        with pytest.raises(AnswerLost):
            await first

    assert len(server.seen) == 1


@pytest.mark.parametrize("pool_size", [1, 8, 20])
async def test_no_more_connections_are_in_use_than_the_pool_may_hold_and_all_calls_get_through(
    against: Open, pool_size: int
) -> None:
    open_now, most, full = 0, 0, asyncio.Event()

    async def answering(seen: Seen, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        if most == pool_size:
            full.set()
        await full.wait()
        await asyncio.sleep(0.02)  # time for one more than may be
        open_now -= 1
        await says(202, {})(seen, writer)

    async with against(answering, pool_size=pool_size, timeout_seconds=600) as (client, _):
        answers = await asyncio.gather(*(client.get_batch(2218, UUID) for _ in range(60)))

    assert {answer.standing for answer in answers} == {AnswerKind.PENDING}
    assert most == pool_size


async def test_a_transport_that_was_given_is_closed_though_nothing_was_sent() -> None:
    class Closing(httpx.AsyncBaseTransport):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    transport = Closing()
    async with ArmClient("http://arm.example", TOKENS, transport=transport):
        pass

    assert transport.closed


async def test_giving_up_leaves_the_client_usable(against: Open) -> None:
    arrived = asyncio.Event()

    async def answering(seen: Seen, writer: asyncio.StreamWriter) -> None:
        if not arrived.is_set():
            arrived.set()
            await asyncio.Event().wait()
        await says(202, {})(seen, writer)

    async with against(answering, pool_size=1) as (client, _):
        given_up = asyncio.create_task(client.get_batch(2218, UUID))
        await arrived.wait()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up

        assert (await client.get_batch(2218, UUID)).standing is AnswerKind.PENDING


async def test_a_transport_within_the_process_may_hand_over_whole_answers() -> None:
    large = httpx.MockTransport(lambda _: httpx.Response(200, json={"message": "x" * 1000}))
    small = httpx.MockTransport(lambda _: httpx.Response(202, json=ACCEPTED))

    async with ArmClient("http://arm.example", TOKENS, transport=small) as client:
        assert (await client.put_customers_batch(1, BODY)).batch_uuid == UUID
    async with ArmClient("http://arm.example", TOKENS, transport=large, max_answer_bytes=100) as client:
        with pytest.raises(AnswerUnknown):
            await client.get_batch(1, UUID)

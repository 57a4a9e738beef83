"""ARM as a bare socket: answers that no framework would send, byte for byte, and connections that break."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.virtual_time import let_pass

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What is done in the place of an answer."""

BATCH_UUID = "AAAAAAAAAAAAAAAAAAAA-_"


def http(status: int, body: bytes | dict[str, Any] | list[Any] = b"", **headers: str) -> bytes:
    """Return an answer as it goes over the wire; a header's `_` stands for `-`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content_type": "application/json", "content_length": str(len(content)), "connection": "close", **headers}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


ACCEPTED = http(202, {"status": "NOT-PROCESSED", "result": "PENDING", "message": "", "batchUuid": BATCH_UUID})
PENDING = http(202, {"status": "NOT-PROCESSED", "result": "PENDING", "batchUuid": BATCH_UUID})
PROCESSED = http(200, {"status": "PROCESSED", "result": "SUCCESS", "batchUuid": BATCH_UUID})


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Break the connection without a word."""
    writer.transport.abort()


def drip(answer: bytes, *, seconds: float) -> Act:
    """Return an act that sends one byte at a time, so many seconds apart by the loop's clock."""

    async def act(writer: asyncio.StreamWriter) -> None:
        for place in range(len(answer)):
            writer.write(answer[place : place + 1])
            await writer.drain()
            let_pass(seconds)
            await asyncio.sleep(0)

    return act


def flood(size_bytes: int) -> Act:
    """Return an act that answers 202 with so large a body."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 202 Accepted\r\ncontent-length: {size_bytes}\r\n\r\n".encode())
        chunk = b" " * 65_536
        for _ in range(size_bytes // len(chunk)):
            writer.write(chunk)
            await writer.drain()

    return act


@dataclass
class RawArm:
    """Answers each PUT with the next of `puts` and each GET with the next of `gets`; the last one is repeated."""

    puts: Iterable[bytes | Act] = (ACCEPTED,)
    gets: Iterable[bytes | Act] = (PROCESSED,)
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    polls: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["RawArm"]:
        """Listen on a free port of this machine."""
        self._scripts = {b"PUT": _repeating(self.puts), b"GET": _repeating(self.gets)}
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/arm/v1"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
            method = head.split(b" ", 1)[0]
            if method == b"PUT":
                self.bodies.append(body)
            else:
                self.polls += 1
            act = next(self._scripts[method])
            if isinstance(act, bytes):
                writer.write(act)
                await writer.drain()
            else:
                await act(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client had enough
        finally:
            writer.close()


def _repeating(acts: Iterable[bytes | Act]) -> Iterator[bytes | Act]:
    *first, last = acts
    return itertools.chain(first, itertools.repeat(last))

"""The stand-in of ARM for all measurements: it accepts every batch, calls it processed, and counts. Nothing else.

    python -m benchmarks.stand_in [--servers 5 --seconds 0.1 | --bears 8 --seconds 0.05]

Prints its port. It checks no token and keeps nothing, so that it is never what a client waits for; its process is
none of those measured. `GET /counts` tells what it was sent since it was last asked. With `--servers` it works on so
many requests at a time, each for so long; with `--bears` each takes the longer the more are under way.
"""

import argparse
import asyncio
import json
import time
from typing import Final

HOST: Final = "127.0.0.1"
_LENGTH: Final = b"content-length:"
_UUID: Final = "AAAAAAAAAAAAAAAA%06d"


class Counts:
    """What was sent."""

    def __init__(self) -> None:
        self.requests = 0
        self.batches = 0
        self.customers = 0
        self.first_at = 0.0
        self.last_at = 0.0
        self.under_way = 0
        self.most_under_way = 0

    def told(self) -> bytes:
        """Return the counts as JSON, and reset them."""
        said = json.dumps(vars(self)).encode()
        self.__init__()  # type: ignore[misc]
        return said


class Load:
    """How long requests take: no time, or as long as in an API of limited capacity.

    Args:
        servers: Requests that are worked on at a time; what comes on top waits. None: all are.
        seconds: How long each is worked on.
        bears: Requests under way at which one takes twice as long; None: it takes as long whatever is under way.
    """

    def __init__(self, counts: Counts, *, servers: int | None, seconds: float, bears: int | None) -> None:
        self._counts = counts
        self._free = asyncio.Semaphore(servers or 1_000_000)
        self._seconds = seconds
        self._bears = bears
        self.is_none = not seconds

    async def bear(self) -> None:
        """Wait as long as a request takes."""
        counts = self._counts
        counts.first_at = counts.first_at or time.monotonic()
        counts.under_way += 1
        counts.most_under_way = max(counts.most_under_way, counts.under_way)
        async with self._free:
            slower = (counts.under_way / self._bears) ** 2 if self._bears else 0.0
            await asyncio.sleep(self._seconds * (1 + slower))
        counts.under_way -= 1
        counts.last_at = time.monotonic()


class Connection(asyncio.Protocol):
    """One client's connection: a request after another."""

    def __init__(self, counts: Counts, load: Load) -> None:
        self._counts = counts
        self._load = load
        self._received = bytearray()
        self._end = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is complete."""
        self._received += data
        if not self._end:
            head_end = self._received.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = bytes(self._received[:head_end]).lower()
            at = head.find(_LENGTH)
            self._end = head_end + 4 + (int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
        if len(self._received) >= self._end:
            start = bytes(self._received[:32])
            answer = self._answer(start)
            del self._received[: self._end]
            self._end = 0
            if self._load.is_none or start.startswith(b"GET /counts"):
                self._transport.write(answer)
            else:
                self._later = asyncio.ensure_future(self._after_work(answer))

    async def _after_work(self, answer: bytes) -> None:
        await self._load.bear()
        self._transport.write(answer)

    def _answer(self, start: bytes) -> bytes:
        if start.startswith(b"GET /counts"):
            return _http(200, self._counts.told())
        self._counts.requests += 1
        if start.startswith(b"GET"):
            return _http(200, b'{"status":"PROCESSED","result":"SUCCESS","message":""}')
        self._counts.batches += 1
        self._counts.customers += self._received.count(b'"customerNo"', 0, self._end)
        accepted = {"status": "NOT-PROCESSED", "result": "PENDING", "message": ""}
        return _http(202, json.dumps(accepted | {"batchUuid": _UUID % self._counts.batches}).encode())


def _http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def main() -> None:
    """Answer until killed."""
    options = argparse.ArgumentParser()
    options.add_argument("--servers", type=int)
    options.add_argument("--seconds", type=float, default=0.0)
    options.add_argument("--bears", type=int)
    counts = Counts()
    load = Load(counts, **vars(options.parse_args()))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(counts, load), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

"""The stand-in that all are measured against: it takes every batch, calls it processed, and counts. Nothing else.

    python -m benchmarks.stand_in

Prints its port. It checks no token and keeps nothing, so that it is never what a client waits for; its process is
none of those measured. `GET /counts` tells what it was sent since it was last asked.
"""

import asyncio
import json
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

    def told(self) -> bytes:
        """Return them as JSON, and count anew."""
        said = json.dumps(vars(self)).encode()
        self.__init__()  # type: ignore[misc]
        return said


class Connection(asyncio.Protocol):
    """One client's connection: a request after another."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
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
            self._transport.write(self._answer(bytes(self._received[:32])))
            del self._received[: self._end]
            self._end = 0

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
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(counts), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

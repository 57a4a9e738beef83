"""`make bench-scale`: what a batch costs the client beside its task run, and how long it holds the ledger's one writer.

Bodies of one customer each are sent, and asked about once or four times, over an API that answers in memory, so that
what is counted is the engine and its ledger. On SQLite, and on PostgreSQL where the machine has one. Medians of three.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final
from uuid import uuid4

import httpx
from pydantic import SecretStr
from sqlalchemy import Connection, func, select

from armrest.api import ArmClient, FixedToken
from armrest.delivery import Delivery, DeliveryOptions, hold_lease
from armrest.outbox import Ledger, Outbox, PlanWriter, create_run, find_run
from armrest.outbox.bodies import BodyStore
from armrest.outbox.schema import METADATA
from tests.postgres import cluster, programs

API_URL: Final = "http://127.0.0.1:1/arm/v1"
BATCHES: Final = 200
POLLS: Final = (1, 4)
ROUNDS: Final = 3


class Patient(httpx.AsyncBaseTransport):
    """An API that accepts everything, and has worked it through when it is asked for the last time."""

    def __init__(self, polls: int) -> None:
        self.requests = 0
        self._polls = polls
        self._asked: dict[str, int] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.requests += 1
        if request.method == "PUT":
            return httpx.Response(202, json={"batchUuid": str(uuid4()), "status": "RECEIVED"}, request=request)
        asked = self._asked[request.url.path] = self._asked.get(request.url.path, 0) + 1
        done = asked == self._polls
        words = {"status": "PROCESSED", "result": "SUCCESS"} if done else {"status": "PENDING"}
        return httpx.Response(200 if done else 202, json=words, request=request)


class Watched(Ledger):
    """A ledger that counts its writes, and for how long each keeps the next one waiting."""

    writes = 0
    seconds = 0.0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As a ledger's."""
        began = time.perf_counter()
        with super().write() as tx:
            yield tx
        self.writes += 1
        self.seconds += time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class PerBatch:
    """What one batch costs: milliseconds of CPU to send it and for all its polls, requests, writes and their time."""

    submit_ms: float
    poll_ms: float
    requests: float
    writes: float
    writing_ms: float
    rows: float


async def measured(outbox: Outbox, ledger: Watched, polls: int) -> PerBatch:
    """Send and poll a run."""
    words = {"kind": "update", "mode": "update", "user_id": "bench", "source": "", "request": {}}
    run = create_run(ledger, run_id="run", api_url=API_URL, client_no=1, **words)  # type: ignore[arg-type]
    with PlanWriter(outbox, run, batch_size=1, max_body_bytes=100_000) as writer:
        writer.add([{"customerNo": str(number), "name": "Kari"} for number in range(BATCHES)])
        writer.complete()
    run, api = find_run(ledger, "run"), Patient(polls)
    options = DeliveryOptions(poll_first_seconds=0.02, poll_max_seconds=0.2)
    held = hold_lease(ledger, api_url=API_URL, client_no=1, run_id="run", seconds=60)
    arm = ArmClient(API_URL, FixedToken(SecretStr("token")), transport=api)
    async with arm, held as lease, Delivery(outbox, arm, run, lease, options) as delivery:
        ledger.writes, ledger.seconds, before = 0, 0.0, time.process_time()
        for slice_no in range(1, run.slices + 1):
            await delivery.submit(slice_no)
        sent = time.process_time()
        await asyncio.gather(*(delivery.poll(slice_no) for slice_no in range(1, run.slices + 1)))
        polled = time.process_time()
    with ledger.read() as tx:
        rows = sum(
            tx.execute(select(func.count()).select_from(METADATA.tables[name])).scalar_one()
            for name in ("batches", "attempts")
        )
    milliseconds = 1000 / BATCHES
    return PerBatch(
        (sent - before) * milliseconds,
        (polled - sent) * milliseconds,
        api.requests / BATCHES,
        ledger.writes / BATCHES,
        ledger.seconds * milliseconds,
        rows / BATCHES,
    )


def on(url: str, polls: int) -> PerBatch:
    """Return what it costs on a new ledger."""
    with TemporaryDirectory() as folder:
        address = url or f"sqlite:///{folder}/ledger.db"
        opened = Ledger.open(address)
        ledger = Watched(opened._engine)  # noqa: SLF001  the same engine, watched
        try:
            return asyncio.run(measured(Outbox(ledger, BodyStore(str(Path(folder) / "bodies"))), ledger, polls))
        finally:
            ledger.close()


def row(name: str, rounds: list[PerBatch]) -> str:
    """Return the medians as a line of a Markdown table."""
    figures = (median(getattr(one, field) for one in rounds) for field in PerBatch.__slots__)
    return f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |"


def main() -> None:
    """Measure and print."""
    print("| ledger, questions | submit ms | polls ms | requests | writes | writing ms | rows |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for polls in POLLS:
        print(row(f"SQLite, {polls}", [on("", polls) for _ in range(ROUNDS)]), flush=True)
    if folder := programs():
        with cluster(folder) as postgres:
            for polls in POLLS:
                rounds = [on(postgres.new_database(), polls) for _ in range(ROUNDS)]
                print(row(f"PostgreSQL, {polls}", rounds), flush=True)
    else:
        print("PostgreSQL: not measured, this machine has none")


if __name__ == "__main__":
    main()

"""`make bench-scale`: what a batch costs the client beside its task run, and how long it holds the ledger's one writer.

Bodies of one customer each are sent, and asked about, over an API that answers in memory, so that what is counted is
the engine and its ledger. The API works a batch through at once, or in a minute; of that minute, and of the waits
between questions, a fiftieth is waited. Two hundred batches, and twenty, as of a small client, and a thousand, as of a
large one; on SQLite, and on PostgreSQL where the machine has one. Medians of three. Besides, what a customer takes on
the disk.
"""

import argparse
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
from armrest.outbox import Ledger, Outbox, create_run, find_run
from armrest.outbox.bodies import BodyStore
from armrest.outbox.ledger.schema import METADATA
from armrest.sandbox import write_sample
from benchmarks.contestants import environment, program
from benchmarks.cost import measured as measured_by_process
from benchmarks.material import CLIENT_NO, SEED
from tests.plans import planning, update_of
from tests.postgres import cluster, programs

API_URL: Final = "http://127.0.0.1:1/arm/v1"
BATCHES: Final = 200
FEW_BATCHES: Final = 20
MANY_BATCHES: Final = 1000
CUSTOMERS: Final = 100_000
FASTER: Final = 50
"""Speed of the clock: a minute takes a second."""
TAKES_SECONDS: Final = {"at once": 0.0, "in a minute": 60.0}
ROUNDS: Final = 3


class Patient(httpx.AsyncBaseTransport):
    """An API that accepts everything, and has processed it after a number of seconds."""

    def __init__(self, seconds: float) -> None:
        self.requests = 0
        self._seconds = seconds
        self._done_at: dict[str, float] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.requests += 1
        if request.method == "PUT":
            batch_uuid = str(uuid4())
            self._done_at[batch_uuid] = time.monotonic() + self._seconds
            return httpx.Response(202, json={"batchUuid": batch_uuid, "status": "RECEIVED"}, request=request)
        done = time.monotonic() >= self._done_at[request.url.path.rpartition("/")[2]]
        words = {"status": "PROCESSED", "result": "SUCCESS"} if done else {"status": "PENDING"}
        return httpx.Response(200 if done else 202, json=words, request=request)


class Watched(Ledger):
    """A ledger that counts its writes, and measures how long each delays the next."""

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


async def measured(outbox: Outbox, ledger: Watched, seconds: float, batches: int) -> PerBatch:
    """Send and poll a run."""
    run = create_run(
        ledger,
        run_id="run",
        api_url=API_URL,
        client_no=1,
        mode="update",
        user_id="bench",
        source="",
        request=update_of(),
    )
    with planning(outbox, run, batch_size=1, max_body_bytes=100_000) as writer:
        writer.add([{"customerNo": str(number), "name": "Kari"} for number in range(batches)])
        writer.complete()
    run, api, usual = find_run(ledger, "run"), Patient(seconds / FASTER), DeliveryOptions()
    options = DeliveryOptions(
        poll_first_seconds=usual.poll_first_seconds / FASTER, poll_max_seconds=usual.poll_max_seconds / FASTER
    )
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
    milliseconds = 1000 / batches
    return PerBatch(
        (sent - before) * milliseconds,
        (polled - sent) * milliseconds,
        api.requests / batches,
        ledger.writes / batches,
        ledger.seconds * milliseconds,
        rows / batches,
    )


def on(url: str, seconds: float, batches: int) -> PerBatch:
    """Return the cost on a new ledger."""
    with TemporaryDirectory() as folder:
        address = url or f"sqlite:///{folder}/ledger.db"
        opened = Ledger.open(address)
        ledger = Watched(opened._engine)  # noqa: SLF001  the same engine, watched
        try:
            return asyncio.run(
                measured(Outbox(ledger, BodyStore(str(Path(folder) / "bodies"))), ledger, seconds, batches)
            )
        finally:
            ledger.close()


def row(name: str, rounds: list[PerBatch]) -> str:
    """Return the medians as a line of a Markdown table."""
    figures = (median(getattr(one, field) for one in rounds) for field in PerBatch.__slots__)
    return f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--batches", type=int, help="of each run, in place of all three numbers")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--customers", type=int, default=CUSTOMERS, help="whose size on the disk is measured")
    given = options.parse_args()
    usual, few, many = (given.batches or number for number in (BATCHES, FEW_BATCHES, MANY_BATCHES))
    turns = range(given.rounds)
    in_a_minute = TAKES_SECONDS["in a minute"]
    print("| ledger, ARM works it through | submit ms | polls ms | requests | writes | writing ms | rows |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for takes, seconds in TAKES_SECONDS.items():
        print(row(f"SQLite, {takes}", [on("", seconds, usual) for _ in turns]), flush=True)
    print(row(f"SQLite, in a minute, {few} batches", [on("", in_a_minute, few) for _ in turns]), flush=True)
    if folder := programs():
        with cluster(folder) as postgres:
            for takes, seconds in TAKES_SECONDS.items():
                rounds = [on(postgres.new_database(), seconds, usual) for _ in turns]
                print(row(f"PostgreSQL, {takes}", rounds), flush=True)
            rounds = [on(postgres.new_database(), in_a_minute, many) for _ in turns]
            print(row(f"PostgreSQL, in a minute, {many:,} batches", rounds), flush=True)
    else:
        print("PostgreSQL: not measured, this machine has none")
    print(f"\nOn the disk, a customer: {on_the_disk(given.customers)}")


def on_the_disk(customers: int) -> str:
    """Plan a sample, and return how many bytes a customer takes in bodies and in a ledger on SQLite."""
    with TemporaryDirectory() as folder:
        source, home = Path(folder) / "customers.csv", Path(folder) / "home"
        write_sample(source, customers=customers, seed=SEED)
        measured_by_process(program("plan_file", str(source), CLIENT_NO), environment(home, API_URL))
        bodies = sum(path.stat().st_size for path in home.rglob("*.bodies"))
        ledger = sum(path.stat().st_size for path in home.rglob("*.db*"))
        return f"{bodies / customers:,.0f} bytes of bodies, {ledger / customers:,.0f} bytes of ledger"


if __name__ == "__main__":
    main()

"""The engine beneath Prefect: a real outbox, the sandbox's books, and runs planned and carried as a flow does it.

Without a server the books answer through `BooksTransport`, so that a test may run on a virtual clock.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from httpx import AsyncBaseTransport
from pydantic import SecretStr
from sqlalchemy import event

from armrest.api import ArmClient, FixedToken, StopTheRun, TokenProvider
from armrest.delivery import Delivery, DeliveryOptions, finish, hold_lease, send_and_poll_slices
from armrest.delivery.rate.rate_limiter import RateLimiter
from armrest.outbox import (
    Attempt,
    Batch,
    BatchView,
    LeaseHeld,
    Outbox,
    OutboxError,
    RerunRequest,
    Run,
    RunSummary,
    State,
    Unheld,
    attempts_at,
    batch_views,
    batches_in,
    create_run,
    find_run,
    summary,
)
from armrest.planning import plan_rerun, rerun_request
from armrest.sandbox import TOKEN, Behaviour, BooksTransport, Sandbox, SandboxServer
from tests.plans import leased, planning, update_of
from tests.virtual_time import now

API_URL = "http://127.0.0.1:1/arm/v1"
"""Where nobody listens: what reaches the books goes through a transport."""

CLIENT_NO = 2218
PUT = ("PUT", "/arm/v1/clients/{clientno}/customers/batches")
GET = ("GET", "/arm/v1/clients/{clientno}/batches/{batchuuid}")


@pytest.fixture
def outbox(opened_url: str, tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(opened_url, str(tmp_path / "bodies"), now=now) as outbox:
        if opened_url.startswith("sqlite"):
            event.listen(outbox.ledger._engine, "connect", _not_for_power_cuts)
            outbox.ledger.close()  # the connection that is open; the next one is prepared so
        yield outbox


def _not_for_power_cuts(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous=OFF").close()


@pytest.fixture
def sandbox() -> Sandbox:
    """The sandbox without a socket; set its behaviour."""
    return Sandbox(Behaviour(), now=now, random=Random(7), keep_bodies=True)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """The sandbox on a port."""
    with SandboxServer(seed=7) as server:
        yield server


Planned = Callable[..., Run]


@pytest.fixture
def planned(outbox: Outbox) -> Planned:
    """Return a function that plans customers as a run: `planned(people(5), batch_size=2)`."""

    def plan(
        customers: Sequence[Mapping[str, Any]],
        *,
        run_id: str = "run",
        batch_size: int = 1000,
        parent: Run | None = None,
        client_no: int = CLIENT_NO,
        user_id: str = "ola",
    ) -> Run:
        sizes = {"batch_size": batch_size, "max_body_bytes": 5_000_000}
        run = create_run(
            outbox.ledger,
            run_id=run_id,
            api_url=API_URL,
            client_no=client_no,
            mode="update",
            user_id=user_id,
            source="customers.csv",
            request=RerunRequest(**sizes) if parent else update_of(**sizes),
            parent=parent,
        )
        with planning(outbox, run, **sizes) as writer:
            writer.add(customers)
            writer.complete()
        return find_run(outbox.ledger, run_id)

    return plan


def people(number: int, *, first: int = 10001, **fields: Any) -> list[dict[str, Any]]:
    """Return so many customers with consecutive numbers, all with the same fields."""
    return [{"customerNo": str(first + place), **(fields or {"name": "Kari Nordmann"})} for place in range(number)]


def rerun_of(outbox: Outbox, parent: Run) -> Run:
    """Plan a rerun of what failed in a run."""
    run = create_run(
        outbox.ledger,
        run_id=f"{parent.run_id}-rerun",
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="",
        request=rerun_request(parent),
        parent=parent,
    )
    with leased(outbox, run) as lease:
        plan_rerun(outbox, run, lease)
    return find_run(outbox.ledger, run.run_id)


@dataclass
class Engine:
    """Carries planned runs to ARM, wherever that is."""

    outbox: Outbox
    transport: AsyncBaseTransport | None
    api_url: str = API_URL
    tokens: TokenProvider = field(default_factory=lambda: FixedToken(SecretStr(TOKEN)))
    timeout_seconds: float = 60.0
    seed: int = 7
    rate_limiter: RateLimiter | None = None

    @asynccontextmanager
    async def delivering(self, run: Run, **options: Any) -> AsyncIterator[Delivery]:
        """Hold the run's client and its engine, for the length of the block."""
        chosen = DeliveryOptions(**options)
        arm = ArmClient(
            self.api_url, self.tokens, transport=self.transport, timeout_seconds=self.timeout_seconds, now=now
        )
        async with (
            arm,
            hold_lease(
                self.outbox.ledger,
                api_url=run.api_url,
                client_no=run.client_no,
                run_id=run.run_id,
                seconds=chosen.lease_seconds,
            ) as lease,
            Delivery(
                self.outbox, arm, run, lease, chosen, random=Random(self.seed), rate_limiter=self.rate_limiter
            ) as delivery,
        ):
            yield delivery

    async def carry(self, run: Run, **options: Any) -> RunSummary:
        """Send and poll every slice of a run side by side, and write down how it ended, as a flow does it."""
        stopped = ""
        try:
            async with self.delivering(self.latest(run), **options) as delivery:
                await carry_slices(delivery, range(1, run.slices + 1))
        except (StopTheRun, OutboxError) as error:
            stopped = str(error)
        with suppress(LeaseHeld):
            return finish(self.outbox, run, Unheld(self.outbox.ledger, run), stopped=stopped)
        return replace(self.summary(run), message=stopped)  # the run is another process's: only the caller is told

    def latest(self, run: Run) -> Run:
        """Return a run as the ledger has it by now."""
        return find_run(self.outbox.ledger, run.run_id)

    def summary(self, run: Run) -> RunSummary:
        """Return a run in figures, as they are by now."""
        return summary(self.outbox.ledger, run.run_id)

    def batches(self, run: Run, states: Collection[State] = tuple(State)) -> list[Batch]:
        """Return a run's batches, those that were split included."""
        return batches_in(self.outbox.ledger, run, states)

    def states(self, run: Run) -> list[State]:
        """Return the states of a run's batches, in their order."""
        return [batch.state for batch in self.batches(run)]

    def body_path(self, file: str) -> Path:
        """Return where a file of bodies lies."""
        return Path(self.outbox.bodies._path(file))

    def views(self, run: Run) -> list[BatchView]:
        """Return a run's batches as they are shown."""
        return batch_views(self.outbox.ledger, run)

    def history(self, run: Run, batch: Batch | None = None) -> list[Attempt]:
        """Return what was tried."""
        return attempts_at(self.outbox.ledger, run, batch)


async def carry_slices(delivery: Delivery, slices: Iterable[int]) -> None:
    """Carry slices through by the loop that a flow uses, all at once, so that only the engine limits the calls."""
    numbers = list(slices)
    await send_and_poll_slices(numbers, submit=delivery.submit, poll=delivery.poll, concurrency=len(numbers) or 1)


@pytest.fixture
def engine(outbox: Outbox, sandbox: Sandbox) -> Engine:
    """The engine against the sandbox's books, without a socket."""
    return Engine(outbox, BooksTransport(sandbox))


@pytest.fixture
def over_http(outbox: Outbox, server: SandboxServer) -> Engine:
    """The engine against the sandbox on its port."""
    return Engine(outbox, None, api_url=server.api_url)


def sent(sandbox: Sandbox, call: tuple[str, str] = PUT, status: int | None = None) -> int:
    """Return how often the sandbox was asked, with whatever answer or with one."""
    return sum(
        times
        for (method, path, answered), times in sandbox.answers.items()
        if (method, path) == call and status in (None, answered)
    )

"""A folder with a ledger, engines that run on it and die, and what their deaths must not have changed."""

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from armrest.outbox import Outbox, State, batches_in, find_run, outcomes_of_run, summaries
from armrest.sandbox import COLUMNS, CustomerRecords, SandboxServer, customers_in, sample_rows
from armrest.sandbox.arm.merge import Customer, create, merge
from tests.kills.engine import Job
from tests.kills.process import Engine

CLIENT_NO: Final = 2218
IN_FLIGHT: Final = 8
"""Requests under way at once, by default: what a death may make us send again."""
POLLING: Final = {"poll_first_seconds": 0.05, "poll_max_seconds": 0.2}


@dataclass(frozen=True, slots=True)
class Death:
    """What the ledger knew, and what the sandbox had received, when a process died. Bodies are told by their hash."""

    acknowledged: dict[str, str]
    """batchUuid to body."""
    in_flight: frozenset[str]
    received: Counter[str]


class Workspace:
    """Starts engines on one ledger, against one sandbox."""

    def __init__(self, home: Path, arm: SandboxServer) -> None:
        self.home = home
        self.arm = arm
        self.deaths: list[Death] = []

    def start(self, run_id: str, source: Path | str = "", **more: Any) -> Engine:
        """Start an engine on a run, or on what is left of it; more as `Job` has it."""
        return Engine(Job(home=self.home, run_id=run_id, api_url=self.arm.api_url, source=source, **more))

    def run(self, run_id: str, source: Path | str = "", **more: Any) -> dict[str, Any]:
        """See a run through; return its summary."""
        return self.start(run_id, source, **more).summary()

    def run_until_settled(self, run_id: str, source: Path | str = "", **more: Any) -> dict[str, Any]:
        """See a run through, resumed for as long as what earlier deaths have put in doubt holds customers back."""
        ended: dict[str, Any] = {}

        def settled() -> bool:
            ended.update(self.run(run_id, source, **more))
            return bool(ended["state"] not in {"Unsettled", "Stopped"})

        until(settled)
        return ended

    def die(self, run_id: str, seam: str, source: Path | str = "", **more: Any) -> Death:
        """Let a run kill itself at a seam."""
        engine = self.start(run_id, source, die_at=seam, **more)
        engine.wait()
        assert engine.was_killed, f"it never came to {seam}: {engine.told}"
        return self.mourn()

    def mourn(self) -> Death:
        """Take down how things stood when a process died."""
        self.deaths.append(self.standing())
        return self.deaths[-1]

    def standing(self) -> Death:
        """Return how things stand in the ledger and in the sandbox."""
        with self.outbox() as outbox:
            ledger = outbox.ledger
            runs = [find_run(ledger, run.run_id) for run in summaries(ledger)]
            batches = [batch for run in runs for batch in batches_in(ledger, run, list(State))]
        return Death(
            {batch.batch_uuid: batch.body.sha256.hex() for batch in batches if batch.batch_uuid},
            frozenset(batch.body.sha256.hex() for batch in batches if batch.state is State.SENDING),
            received(self.arm.records),
        )

    @contextmanager
    def outbox(self) -> Iterator[Outbox]:
        """Open the ledger beside whoever else has it open."""
        with Outbox.open(f"sqlite:///{self.home}/ledger.db", str(self.home / "bodies")) as outbox:
            yield outbox

    def assert_nothing_forgotten(self) -> None:
        """After all deaths: every acknowledged batchUuid is known, nothing acknowledged was sent again, little else."""
        end = self.standing()
        for death in self.deaths:
            assert len(death.in_flight) <= IN_FLIGHT
            assert death.acknowledged.items() <= end.acknowledged.items()
            for body in death.acknowledged.values():
                assert end.received[body] == death.received[body], "an acknowledged batch was sent again"
        in_flight = Counter(body for death in self.deaths for body in death.in_flight)
        again = Counter({body: times - 1 for body, times in end.received.items() if times > 1})
        assert again <= in_flight, "something was sent again that was not in flight at a death"
        assert set(end.acknowledged) <= {batch.batch_uuid for batch in self.arm.records.batches(CLIENT_NO)}

    def outcomes(self, run_id: str) -> dict[str, str]:
        """Return what the ledger says became of each customer of a run."""
        with self.outbox() as outbox:
            told = list(outcomes_of_run(outbox.ledger, find_run(outbox.ledger, run_id)))
        assert len({outcome.customer_no for outcome in told}) == len(told), "a customer with two outcomes"
        return {outcome.customer_no: outcome.outcome for outcome in told}


def books_after(
    *sources: Path, before: dict[str, Customer] | None = None, without: Iterable[str] = ()
) -> dict[str, Customer]:
    """Return what the books must hold once these files were applied in turn, by customer number.

    Worked out from the cells by the sandbox's own reading of ARM's pages: nothing of intake or outbox takes part.

    Args:
        without: Customers that ARM refuses; they stay as they were before.
    """
    books, left_out = dict(before or {}), frozenset(without)
    for source in sources:
        for customer in customers_in(source):
            number = customer["customerNo"]
            if number not in left_out:
                books[number] = merge(books[number], customer) if number in books else create(customer)
    return books


def write_version(path: Path, customers: int, version: int, *, every: int = 1, prefix: str = "") -> Path:
    """Write a file of every nth customer, whose every row tells its version, in the name and in the phone number.

    Args:
        prefix: What customer numbers begin with.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in islice(sample_rows(customers, seed=1), 0, None, every):
            told = {
                "customerNo": f"{prefix}{row['customerNo']}",
                "name": f"{row['name']} {version}",
                "phoneNo": f"{91_000_000 + version}",
            }
            writer.writerow((row | told).values())
    return path


def until(condition: Callable[[], Any], seconds: float = 300) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def received(books: CustomerRecords) -> Counter[str]:
    """Return how often each body was accepted."""
    return Counter(batch.sha256 for batch in books.batches(CLIENT_NO))

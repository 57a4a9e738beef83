"""An outbox on a real SQLite ledger, a clock that tests move, and runs planned into it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from armrest.outbox import (
    SENDABLE,
    Batch,
    Lease,
    Ledger,
    Outbox,
    RerunRequest,
    Run,
    State,
    Verdict,
    accept,
    batches_in,
    begin,
    close_batch,
    create_run,
    find_run,
    read_customers,
    release_lease,
    take_lease,
)
from tests.plans import planning, update_of

API_URL = "http://127.0.0.1:1/arm/v1"
CLIENT_NO = 2218


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(opened_url: str, tmp_path: Path, clock: Clock) -> Iterator[Outbox]:
    with Outbox.open(opened_url, str(tmp_path / "bodies"), now=clock) as outbox:
        yield outbox


Planned = Callable[..., Run]


@pytest.fixture
def planned(outbox: Outbox) -> Planned:
    """Return a function that plans customers as a run: `planned("r1", [{"customerNo": "1"}], batch_size=2)`."""

    def plan(
        run_id: str,
        customers: Sequence[Mapping[str, Any]],
        *,
        batch_size: int = 1000,
        max_body_bytes: int = 5_000_000,
        parent: Run | None = None,
        client_no: int = CLIENT_NO,
        dry_run: bool = False,
    ) -> Run:
        sizes = {"batch_size": batch_size, "max_body_bytes": max_body_bytes}
        run = create_run(
            outbox.ledger,
            run_id=run_id,
            api_url=API_URL,
            client_no=client_no,
            mode="update",
            user_id="ola",
            source="customers.csv",
            request=RerunRequest(**sizes) if parent else update_of(**sizes, dry_run=dry_run),
            parent=parent,
        )
        with planning(outbox, run, **sizes) as writer:
            writer.add(customers)
            writer.complete()
        return find_run(outbox.ledger, run_id)

    return plan


def lease_of(outbox: Outbox, run: Run, *, seconds: float = 60.0) -> Lease:
    """Take the client's lease for a run, as its next holder."""
    return take_lease(outbox.ledger, api_url=run.api_url, client_no=run.client_no, run_id=run.run_id, seconds=seconds)


def people(*numbers: int, **fields: Any) -> list[dict[str, Any]]:
    """Return customers of these numbers, all with the same fields."""
    return [{"customerNo": str(number), **(fields or {"name": "Kari"})} for number in numbers]


def accepted(outbox: Outbox, run: Run) -> list[Batch]:
    """Have ARM accept every batch of a run that may leave; their batchUuids are `run-1`, `run-2`, …"""
    lease = lease_of(outbox, run)
    for batch in batches_in(outbox.ledger, run, SENDABLE):
        if leaving := begin(outbox, run, batch, lease, ghost_horizon_seconds=3600):
            uuid = f"{run.run_id}-{batch.seq}"
            accept(outbox.ledger, leaving.batch, batch_uuid=uuid, get_result=None, status="", result="")
    release_lease(outbox.ledger, lease)
    return batches_in(outbox.ledger, run, [State.ACCEPTED])


def settled(outbox: Outbox, run: Run, *, failed: Collection[str] = ()) -> list[Batch]:
    """Have ARM accept and work through all of a run, and refuse the customers of these numbers."""
    for batch in accepted(outbox, run):
        verdicts = {
            line.ordinal: Verdict("failed", "no")
            for line, _ in read_customers(outbox, batch)
            if line.customer_no in failed
        }
        close_batch(outbox.ledger, batch, verdicts, status="", result="", message="")
    return batches_in(outbox.ledger, run, list(State))


class DyingLedger(Ledger):
    """A ledger whose process is killed before it commits for the how-manieth time."""

    def __init__(self, ledger: Ledger, commits: int) -> None:
        vars(self).update(vars(ledger))
        self._commits = commits

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as tx:
            yield tx
            self._commits -= 1
            if self._commits < 0:
                raise KeyboardInterrupt

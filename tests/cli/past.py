"""Runs that somebody has had, written straight into their ledger: what needs a past needs no Prefect."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from armrest.delivery import finish
from armrest.outbox import (
    SENDABLE,
    Batch,
    Lease,
    Outbox,
    RerunRequest,
    Run,
    RunSummary,
    Spill,
    SpilledUuid,
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
    update_run,
)
from tests.conftest import CLIENT_NO
from tests.plans import leased, planning, update_of

IN_THE_WAY: Final = [("ARMREST_CLIENTS", "9999"), ("ARMREST_API_URL", "http://127.0.0.1:9/other/v1")]
"""Settings with which `armrest settle` leaves these runs alone."""


@dataclass(frozen=True)
class Past:
    """Makes runs of customers numbered from 10001."""

    home: Path
    api_url: str

    @contextmanager
    def outbox(self) -> Iterator[Outbox]:
        with Outbox.open(f"sqlite:///{self.home}/ledger.db", str(self.home / "bodies")) as outbox:
            yield outbox

    def run(
        self,
        run_id: str,
        customers: int = 4,
        *,
        failed: Collection[str] = (),
        settled: bool = True,
        sent: int | None = None,
        client_no: int = CLIENT_NO,
        first: int = 10001,
        parent: str | None = None,
    ) -> RunSummary:
        """A run of two customers a batch that was sent, and settled but for the customers that failed.

        Args:
            sent: Batches that were sent before the run was stopped; None: all.
        """
        with self.outbox() as outbox:
            run = self._planned(outbox, run_id, range(first, first + customers), client_no, parent)
            for batch in self._accepted(outbox, run, sent):
                if settled:
                    _settle(outbox, batch, failed)
            with leased(outbox, run) as lease:
                return finish(outbox, run, lease)

    def send_without_answer(self, run_id: str, customers: int) -> None:
        """A run whose first batch was sent, and whose process died before ARM's answer was in the ledger."""
        with self.outbox() as outbox:
            run = self._planned(outbox, run_id, range(10001, 10001 + customers), CLIENT_NO, None)
            lease = self.lease(outbox, run_id)
            begin(outbox, run, batches_in(outbox.ledger, run, SENDABLE)[0], lease, ghost_horizon_seconds=0)
            release_lease(outbox.ledger, lease)

    def leave_unread(self, run_id: str, batch_uuid: str) -> None:
        """Have ARM's answer to the first batch of a run on this disk, as if it could not be committed."""
        spilled = SpilledUuid(
            run_id=run_id, seq=1, attempts=1, batch_uuid=batch_uuid, get_result=None, accepted_at=1_700_000_000.0
        )
        with self.outbox() as outbox:
            assert Spill(self.home / "spill", outbox.ledger).write(spilled)

    def _planned(self, outbox: Outbox, run_id: str, numbers: range, client_no: int, parent: str | None) -> Run:
        sizes = {"batch_size": 2, "max_body_bytes": 5000}
        run = create_run(
            outbox.ledger,
            run_id=run_id,
            api_url=self.api_url,
            client_no=client_no,
            parent=find_run(outbox.ledger, parent) if parent else None,
            mode="update",
            user_id="ola",
            source="customers.csv",
            request=RerunRequest(**sizes) if parent else update_of(**sizes),
        )
        with planning(outbox, run, **sizes) as writer:
            writer.add([{"customerNo": str(number), "name": f"Kunde {number}"} for number in numbers])
            writer.complete()
        with leased(outbox, run) as lease:
            update_run(outbox.ledger, run, lease, read=len(numbers), started_at=outbox.ledger.now(), state="Sending")
        return find_run(outbox.ledger, run_id)

    def _accepted(self, outbox: Outbox, run: Run, sent: int | None) -> list[Batch]:
        lease = self.lease(outbox, run.run_id, client_no=run.client_no)
        for batch in batches_in(outbox.ledger, run, SENDABLE)[:sent]:
            leaving = begin(outbox, run, batch, lease, ghost_horizon_seconds=0)
            assert leaving
            uuid = f"{run.run_id}-{batch.seq}"
            accept(outbox.ledger, leaving.batch, batch_uuid=uuid, get_result=None, status="", result="")
        release_lease(outbox.ledger, lease)
        return batches_in(outbox.ledger, run, [State.ACCEPTED])

    def lease(self, outbox: Outbox, run_id: str, *, client_no: int = CLIENT_NO) -> Lease:
        """Hold a client for a run, as this process."""
        return take_lease(outbox.ledger, api_url=self.api_url, client_no=client_no, run_id=run_id, seconds=60)


def _settle(outbox: Outbox, batch: Batch, failed: Collection[str]) -> None:
    lines = [line for line, _ in read_customers(outbox, batch) if line.customer_no in failed]
    close_batch(
        outbox.ledger,
        batch,
        {line.ordinal: Verdict("failed", "no") for line in lines},
        status="",
        result="",
        message="",
    )

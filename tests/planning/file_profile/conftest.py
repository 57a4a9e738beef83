"""Files that come night after night: planned into a real ledger, and settled as if ARM had taken them."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from armrest.delivery import finish
from armrest.outbox import (
    SENDABLE,
    Outbox,
    PlanFigures,
    Run,
    RunState,
    State,
    accept,
    batches_in,
    begin,
    close_batch,
    create_run,
    find_run,
    plan_figures,
    update_run,
)
from armrest.planning import plan
from armrest.sandbox.samples import sample_rows
from tests.plans import leased, update_of

Rows = list[dict[str, str]]
API_URL = "http://127.0.0.1:1/arm/v1"
CLIENT_NO = 2218


class Nights:
    """One client's files, which are planned as the nightly deployment does it."""

    def __init__(self, outbox: Outbox, folder: Path) -> None:
        self.outbox = outbox
        self.folder = folder
        self._runs = 0

    def plan(self, rows: Rows, *, name: str = "customers.csv", client_no: int = CLIENT_NO, **options: object) -> Run:
        """Plan a file as a dry run."""
        return self._planned(self._written(rows, name), client_no, {"check_profile": True, "dry_run": True, **options})

    def send(self, rows: Rows, *, name: str = "customers.csv", client_no: int = CLIENT_NO, **options: object) -> Run:
        """Plan a file and, unless it is refused, settle all of it."""
        run = self._planned(self._written(rows, name), client_no, {"check_profile": True, **options})
        if run.state is RunState.PLANNED:
            self._settle(run)
        return find_run(self.outbox.ledger, run.run_id)

    def figures(self, run: Run) -> PlanFigures:
        """Return the figures of a plan."""
        return plan_figures(self.outbox.ledger, run)

    def _written(self, rows: Rows, name: str) -> Path:
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def _planned(self, source: Path, client_no: int, options: dict[str, object]) -> Run:
        self._runs += 1
        run = create_run(
            self.outbox.ledger,
            run_id=f"night-{self._runs}",
            api_url=API_URL,
            client_no=client_no,
            mode="upsert",
            user_id="ola",
            source=source.name,
            request=update_of(str(source), changes_only=True, **options),
        )
        if run.request.dry_run:
            plan(self.outbox, run, None, rejects_folder=self.folder)
        else:
            with leased(self.outbox, run) as lease:
                plan(self.outbox, run, lease, rejects_folder=self.folder)
        return find_run(self.outbox.ledger, run.run_id)

    def _settle(self, run: Run) -> None:
        ledger = self.outbox.ledger
        with leased(self.outbox, run) as lease:
            update_run(ledger, run, lease, started_at=ledger.now(), state=RunState.SENDING)
            for batch in batches_in(ledger, run, SENDABLE):
                leaving = begin(self.outbox, run, batch, lease, ghost_horizon_seconds=0)
                assert leaving
                uuid = f"{run.run_id}-{batch.seq}"
                accept(ledger, leaving.batch, batch_uuid=uuid, get_result=None, status="", result="")
            for batch in batches_in(ledger, run, [State.ACCEPTED]):
                close_batch(ledger, batch, {}, status="", result="", message="")
            finish(self.outbox, find_run(ledger, run.run_id), lease)


@pytest.fixture
def nights(ledger_url: str, tmp_path: Path) -> Iterator[Nights]:
    with Outbox.open(ledger_url, str(tmp_path / "bodies")) as outbox:
        yield Nights(outbox, tmp_path)


def people(number: int, *, seed: int = 1, numbers: Sequence[str] | None = None) -> Rows:
    """Return this number of customers that look real, numbered from 000001, or with these numbers."""
    numbers = numbers or [f"{number:06d}" for number in range(1, number + 1)]
    return [row | {"customerNo": no} for row, no in zip(sample_rows(number, seed), numbers, strict=True)]

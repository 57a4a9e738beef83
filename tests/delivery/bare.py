"""Bare engines as processes of their own, on one ledger: forked from one that has imported everything."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from armrest.api import ArmClient, FixedToken
from armrest.delivery import Delivery, DeliveryOptions, hold_lease
from armrest.outbox import Outbox, PlanWriter, begin_plan, create_run, find_run
from armrest.sandbox import TOKEN
from tests.delivery.conftest import CLIENT_NO, carry_slices, people
from tests.plans import update_of

PATIENCE_SECONDS: Final = 60.0

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.delivery.bare", "anyio", "httpcore", "fsspec.implementations.local"])


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run that gives so many customers a name, five to a batch."""

    home: Path
    api_url: str
    run_id: str
    name: str
    customers: int
    wait_seconds: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)


class Bare:
    """A process at work on a job."""

    def __init__(self, job: Job) -> None:
        self._ledger = job.home / "ledger.db"
        self._log = job.home / f"{job.run_id}.log"
        self._process = _FORKS.Process(target=work, args=(job, self._log), daemon=True)
        self._process.start()

    @property
    def ended(self) -> bool:
        """Whether it has come to its end."""
        return self._process.exitcode is not None

    def stop(self) -> None:
        """Send SIGSTOP, and again until it has hit outside of a transaction, while which nobody else could write."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        while self._holds_the_ledger():
            self.go_on()
            time.sleep(0.001)
            os.kill(self._process.pid, signal.SIGSTOP)

    def _holds_the_ledger(self) -> bool:
        with closing(sqlite3.connect(self._ledger, timeout=0.05, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            other.execute("ROLLBACK")
        return False

    def go_on(self) -> None:
        """Send SIGCONT."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Send SIGKILL: a stopped process would not hear anything else."""
        self._process.kill()
        self._process.join()

    def told(self) -> str:
        """Wait for its end; return the error that it came to, or nothing."""
        self._process.join(PATIENCE_SECONDS)
        assert self.ended, "it never ended"
        return self._log.read_text().strip().rpartition("\n")[2] if self._process.exitcode else ""


def work(job: Job, log: Path) -> None:
    """Be the process."""
    sys.stdout = sys.stderr = log.open("w", buffering=1)
    with Outbox.open(f"sqlite:///{job.home}/ledger.db", str(job.home / "bodies")) as outbox:
        asyncio.run(_carry(job, outbox))


async def _carry(job: Job, outbox: Outbox) -> None:
    options = DeliveryOptions(poll_first_seconds=0.05, poll_max_seconds=0.2, **job.options)
    run = create_run(
        outbox.ledger,
        run_id=job.run_id,
        api_url=job.api_url,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="",
        request=update_of(),
    )
    held = hold_lease(
        outbox.ledger,
        api_url=job.api_url,
        client_no=CLIENT_NO,
        run_id=job.run_id,
        seconds=options.lease_seconds,
        wait_seconds=job.wait_seconds,
    )
    async with held as lease, ArmClient(job.api_url, FixedToken(SecretStr(TOKEN))) as arm:
        with PlanWriter(
            outbox, begin_plan(outbox.ledger, run, lease), batch_size=5, max_body_bytes=1_000_000
        ) as writer:
            writer.add(people(job.customers, name=job.name))
            writer.complete()
        run = find_run(outbox.ledger, job.run_id)
        async with Delivery(outbox, arm, run, lease, options) as delivery:
            await carry_slices(delivery, range(1, run.slices + 1))

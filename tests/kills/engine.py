# ruff: noqa: T201 - what it prints is for the process that started it
"""A run of the bare engine as a process of its own, without Prefect: planned, sent, polled, finished, or gone on with.

It can kill itself with SIGKILL at a seam: between two things that must not be one. Started again, it resumes.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
from pydantic import SecretStr
from sqlalchemy import event

from armrest.api import ArmClient, ClientCredentials, FixedToken, StopTheRun, TokenProvider
from armrest.delivery import Delivery, DeliveryOptions, finish, hold_lease, send_and_poll_slices
from armrest.outbox import Lease, Outbox, Run, UnknownRun, UpdateRequest, create_run, find_run, summary
from armrest.planning import plan, plan_rerun, rerun_request
from armrest.sandbox import CLIENT_ID, CLIENT_SECRET, TOKEN
from tests.plans import update_of

SEAMS: Final = (
    "planning",  # some of the source is in the outbox, the rest is not
    "planned",  # the plan is complete, nothing was sent
    "before-put",  # the intent is committed, nothing has left
    "put-left",  # ARM has the request, its answer has not come
    "answered",  # the 202 is here, its batchUuid is not committed
    "asking",  # batchUuids are committed, ARM is about to be asked
    "told",  # ARM's word on a batch is here, and not committed
    "reporting",  # all is over, how it ended is not committed
)


class Seams:
    """Counts how often each seam was passed; at the one that was named, the process is no more."""

    def __init__(self, die_at: str) -> None:
        seam, _, nth = die_at.partition(":")
        self._last = (seam, int(nth or 1))
        self._passed: Counter[str] = Counter()

    def passing(self, seam: str) -> None:
        self._passed[seam] += 1
        if (seam, self._passed[seam]) == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


class Wire(httpx.AsyncHTTPTransport):
    """The network, with the seams that lie there."""

    def __init__(self, seams: Seams) -> None:
        super().__init__()
        self._seams = seams

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sends = request.method in {"PUT", "POST"}
        self._seams.passing("before-put" if sends else "asking")

        async def passing(name: str, _: dict[str, Any]) -> None:
            if sends and name == "http11.send_request_body.complete":
                self._seams.passing("put-left")

        request.extensions["trace"] = passing
        response = await super().handle_async_request(request)
        await response.aread()
        self._seams.passing("answered" if sends else "told")
        return response


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run to be done, or what is left of it, and how.

    Attributes:
        identity_url: Log in there with the sandbox's credentials; None: its fixed token will do.
        die_at: SEAM, or SEAM:NTH; empty: nowhere.
        options: Of `DeliveryOptions`.
    """

    home: Path
    run_id: str
    api_url: str
    source: str | Path = ""
    rerun_of: str | None = None
    client_no: int = 2218
    batch_size: int = 100
    identity_url: str | None = None
    timeout_seconds: float = 30.0
    die_at: str = ""
    options: dict[str, Any] = field(default_factory=dict)


async def carry(job: Job, outbox: Outbox, seams: Seams) -> None:
    """Do what is left to do of a run."""
    run = opened_run(job, outbox)
    options = DeliveryOptions(**job.options)
    held = hold_lease(
        outbox.ledger,
        api_url=run.api_url,
        client_no=run.client_no,
        run_id=run.run_id,
        seconds=options.lease_seconds,
    )
    async with (
        held as lease,
        ArmClient(job.api_url, tokens(job), transport=Wire(seams), timeout_seconds=job.timeout_seconds) as arm,
    ):
        planned(job, outbox, run, lease, seams)
        seams.passing("planned")
        run, stopped = find_run(outbox.ledger, run.run_id), ""
        try:
            async with Delivery(outbox, arm, run, lease, options, random=Random(1)) as delivery:
                await send_and_poll_slices(
                    range(1, run.slices + 1),
                    submit=delivery.submit,
                    poll=delivery.poll,
                    concurrency=options.concurrency,
                )
        except StopTheRun as stop:
            stopped = stop.message
        event.listen(outbox.ledger._engine, "commit", lambda _: seams.passing("reporting"))
        finish(outbox, run, lease, stopped=stopped)


def _update_request(job: Job) -> UpdateRequest:
    return update_of(str(job.source), batch_size=job.batch_size, max_rejected="0")


def opened_run(job: Job, outbox: Outbox) -> Run:
    with suppress(UnknownRun):
        return find_run(outbox.ledger, job.run_id)
    parent = find_run(outbox.ledger, job.rerun_of) if job.rerun_of else None
    return create_run(
        outbox.ledger,
        run_id=job.run_id,
        api_url=job.api_url,
        client_no=job.client_no,
        mode="update",
        user_id="ola.nordmann",
        source=Path(job.source).name,
        request=rerun_request(parent) if parent else _update_request(job),
        parent=parent,
    )


def planned(job: Job, outbox: Outbox, run: Run, lease: Lease, seams: Seams) -> None:
    if run.parent_run_id is not None:
        plan_rerun(outbox, run, lease)
        return
    plan(outbox, run, lease, rejects_folder=job.home, on_progress=lambda _: seams.passing("planning"))


def tokens(job: Job) -> TokenProvider:
    if job.identity_url:
        return ClientCredentials(job.identity_url, CLIENT_ID, SecretStr(CLIENT_SECRET))
    return FixedToken(SecretStr(TOKEN))


def work(job: Job, log: Path) -> None:
    """Be the process: what it says goes into the log, its run's summary last."""
    sys.stdout = sys.stderr = log.open("w", buffering=1)
    with Outbox.open(f"sqlite:///{job.home}/ledger.db", str(job.home / "bodies")) as outbox:
        asyncio.run(carry(job, outbox, Seams(job.die_at)))
        ended = summary(outbox.ledger, job.run_id)
    print(json.dumps(ended.as_json()))

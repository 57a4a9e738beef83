# ruff: noqa: T201 - what it prints is for the process that started it
"""A run of the bare engine as a process of its own, without Prefect: planned, sent, polled, finished, or gone on with.

It can kill itself with SIGKILL at a seam: between two things that must not be one. Started again, it resumes.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
from pydantic import SecretStr
from sqlalchemy import event

from armrest.api import ArmClient, ClientCredentials, FixedToken, StopTheRun, TokenProvider
from armrest.delivery import (
    Delivery,
    DeliveryOptions,
    Unfinished,
    finish,
    hold_lease,
    plan,
    plan_rerun,
    rerun_request,
    together,
)
from armrest.outbox import LeaseHeld, LeaseLost, Outbox, Run, UnknownRun, create_run, find_run, summary

STARTED: Final = "started"
HELD: Final = 2
LOST_LEASE: Final = 3

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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("run_id")
    parser.add_argument("--api-url", required=True)
    parser.add_argument("--token", default="sandbox-token")
    parser.add_argument("--identity-url", help="log in there instead, with the sandbox's credentials")
    parser.add_argument("--client-no", type=int, default=2218)
    parser.add_argument("--source", default="")
    parser.add_argument("--rerun-of")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds for one answer")
    parser.add_argument("--options", type=json.loads, default={}, help="DeliveryOptions, as JSON")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait for another run's lease")
    parser.add_argument("--die-at", default="", help=f"SEAM or SEAM:NTH; one of {', '.join(SEAMS)}")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


async def carry(given: argparse.Namespace, outbox: Outbox, seams: Seams) -> None:
    """Do what is left to do of a run."""
    run = opened_run(given, outbox)
    options = DeliveryOptions(**given.options)
    held = hold_lease(
        outbox.ledger,
        api_url=run.api_url,
        client_no=run.client_no,
        run_id=run.run_id,
        seconds=options.lease_seconds,
        wait_seconds=given.wait,
    )
    async with (
        held as lease,
        ArmClient(given.api_url, tokens(given), transport=Wire(seams), timeout_seconds=given.timeout) as arm,
    ):
        planned(given, outbox, run, seams)
        seams.passing("planned")
        run, stopped = find_run(outbox.ledger, run.run_id), ""
        try:
            async with Delivery(outbox, arm, run, lease, options, random=Random(given.seed)) as delivery:
                await together(see_through(delivery, number) for number in range(1, run.slices + 1))
        except StopTheRun as stop:
            stopped = stop.message
        event.listen(outbox.ledger._engine, "commit", lambda _: seams.passing("reporting"))
        finish(outbox, run, stopped=stopped)


def opened_run(given: argparse.Namespace, outbox: Outbox) -> Run:
    with suppress(UnknownRun):
        return find_run(outbox.ledger, given.run_id)
    parent = find_run(outbox.ledger, given.rerun_of) if given.rerun_of else None
    fresh = {"source": given.source, "batch_size": given.batch_size, "max_body_bytes": 5_000_000, "max_rejected": "0"}
    return create_run(
        outbox.ledger,
        run_id=given.run_id,
        api_url=given.api_url,
        client_no=given.client_no,
        kind="rerun" if parent else "update",
        mode="update",
        user_id="ola.nordmann",
        source=Path(given.source).name,
        request=rerun_request(parent) if parent else fresh,
        parent=parent,
    )


def planned(given: argparse.Namespace, outbox: Outbox, run: Run, seams: Seams) -> None:
    if run.parent_run_id is not None:
        plan_rerun(outbox, run)
        return
    plan(outbox, run, rejects_folder=given.home, on_progress=lambda _: seams.passing("planning"))


async def see_through(delivery: Delivery, slice_no: int) -> None:
    with suppress(Unfinished):
        await delivery.submit(slice_no)
    with suppress(Unfinished):
        await delivery.poll(slice_no)


def tokens(given: argparse.Namespace) -> TokenProvider:
    if given.identity_url:
        return ClientCredentials(given.identity_url, "sandbox", SecretStr("sandbox-secret"))
    return FixedToken(SecretStr(given.token))


def main() -> int:
    given = arguments()
    print(STARTED, flush=True)
    with Outbox.open(f"sqlite:///{given.home}/ledger.db", str(given.home / "bodies")) as outbox:
        try:
            asyncio.run(carry(given, outbox, Seams(given.die_at)))
        except (LeaseHeld, LeaseLost) as error:
            print(error.message, file=sys.stderr, flush=True)
            return HELD if isinstance(error, LeaseHeld) else LOST_LEASE
        ended = summary(outbox.ledger, given.run_id)
    print(json.dumps(ended.as_json()), flush=True)
    return 0 if ended.state == "Completed" else 1


if __name__ == "__main__":
    sys.exit(main())

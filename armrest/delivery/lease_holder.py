"""Hold a client's lease: take it before comparing, renew it with a heartbeat, release it at the end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from armrest.outbox import (
    ANYWHERE,
    Lease,
    LeaseHeld,
    LeaseLost,
    Ledger,
    LedgerUnusable,
    release_lease,
    renew_lease,
    take_lease,
    this_process,
)

log = logging.getLogger(__name__)


@asynccontextmanager
async def hold_lease(
    ledger: Ledger,
    *,
    api_url: str,
    client_no: int,
    run_id: str,
    seconds: float,
    wait_seconds: float = 0.0,
    by_many: bool = False,
) -> AsyncIterator[Lease]:
    """Hold the lease of a client for a run while the block runs.

    Args:
        seconds: The lease lapses after this time without a heartbeat.
        wait_seconds: How long to wait for another run that holds the client.
        by_many: Other processes send for the run as well, so the lease may outlive this process.

    Raises:
        LeaseHeld: Another run still holds the client.
    """
    process = this_process() | ({"space": ANYWHERE} if by_many else {})
    take = partial(
        take_lease, ledger, api_url=api_url, client_no=client_no, run_id=run_id, seconds=seconds, process=process
    )
    lease = await _take(take, wait_seconds)
    try:
        async with keep_alive(ledger, lease):
            yield lease
    finally:
        with suppress(LedgerUnusable):  # the lease then lapses on its own
            release_lease(ledger, lease)


@asynccontextmanager
async def keep_alive(ledger: Ledger, lease: Lease) -> AsyncIterator[None]:
    """Renew a lease, or a shard's share in one, while the block runs."""
    heartbeat = asyncio.create_task(_beat(ledger, lease))
    try:
        yield
    finally:
        heartbeat.cancel()
        with suppress(asyncio.CancelledError):
            await heartbeat


async def _take(take: Callable[[], Lease], wait_seconds: float) -> Lease:
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_seconds
    while True:
        try:
            return take()
        except LeaseHeld as held:
            if loop.time() >= until:
                raise
            log.info("%s", held)
            await asyncio.sleep(min(1.0, until - loop.time()))


async def _beat(ledger: Ledger, lease: Lease) -> None:
    while True:
        await asyncio.sleep(lease.seconds / 3)
        try:
            renew_lease(ledger, lease)
        except LeaseLost as lost:
            log.warning("%s", lost)
            return
        except LedgerUnusable as trouble:  # the gate checks again before anything is sent
            log.warning("%s", trouble)

"""Carry the slices of a run through: the one loop that flows, simulation, tests and benchmarks share."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from armrest.aio import gather_or_cancel
from armrest.api import StopTheRun
from armrest.delivery.errors import Unfinished
from armrest.outbox import OutboxError

SliceStep = Callable[[int], Awaitable[object]]
"""Does one step of a slice, given its number from 1: `Delivery.submit`, `Delivery.poll`, or a Prefect task of it."""


async def send_and_poll_slices(slices: Iterable[int], *, submit: SliceStep, poll: SliceStep, concurrency: int) -> None:
    """Submit slices, and poll each until ARM has finished it; what stays unfinished is in the ledger.

    An error that stops one slice keeps the others from starting, and is raised when all have ended.

    Args:
        concurrency: The number of slices that are submitted at once; any number may be polled.

    Raises:
        StopTheRun: ARM refuses the whole run, not just a customer.
        OutboxError: The ledger or a stored body cannot be used, or another run has taken over the client.
    """
    places = asyncio.Semaphore(concurrency)
    stopped: list[Exception] = []

    async def submit_and_poll(slice_no: int) -> None:
        try:
            async with places:
                if not stopped:
                    with suppress(Unfinished):  # accepted batches are still polled
                        await submit(slice_no)
            if not stopped:
                await poll(slice_no)
        except Unfinished:
            pass  # the ledger knows what is open
        except (StopTheRun, OutboxError) as error:
            stopped.append(error)

    await gather_or_cancel(submit_and_poll(slice_no) for slice_no in slices)
    if stopped:
        raise stopped[0]

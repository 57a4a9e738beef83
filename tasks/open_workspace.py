"""The connection that this process has open: a flow opens it once, its tasks find it.

A task that is run alone opens its own.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from armrest.delivery import Delivery
from armrest.outbox import find_run
from tasks.connection import Connection, delivering, open_connection
from tasks.connections import load_settings

_current: ContextVar[Connection | None] = ContextVar("connection", default=None)


@contextmanager
def connection(name: str = "") -> Iterator[Connection]:
    """Use the connection that is open in this process, or open one for the length of the block.

    Args:
        name: A connection that Prefect keeps. Empty: the one that the settings name, or the settings alone.

    Raises:
        SettingsRefused: A setting cannot be used.
        LedgerUnusable: The ledger cannot be used.
    """
    if here := _current.get():
        yield here
        return
    with open_connection(load_settings, name) as here:
        token = _current.set(here)
        try:
            yield here
        finally:
            _current.reset(token)


@asynccontextmanager
async def delivery_of(run_id: str) -> AsyncIterator[Delivery]:
    """Use the engine that is at work in this process, or start one for this run; raises as `delivering`."""
    with connection() as here:
        if here.delivery is not None:
            yield here.delivery
            return
        async with delivering(here, find_run(here.outbox.ledger, run_id)) as delivery:
            yield delivery

"""The open workspace of this process: a flow opens it once, and its tasks use it.

A task that runs alone opens its own.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from armrest.app.workspace import Workspace, open_delivery, open_workspace
from armrest.delivery import Delivery
from armrest.outbox import find_run
from tasks.connections import load_settings

_current: ContextVar[Workspace | None] = ContextVar("connection", default=None)


@contextmanager
def workspace(name: str = "") -> Iterator[Workspace]:
    """Use the open workspace of this process, or open one for the duration of the block.

    Args:
        name: A connection that Prefect stores. Empty: the connection that the settings name, or the settings alone.

    Raises:
        SettingsRefused: A setting cannot be used.
        LedgerUnusable: The ledger cannot be used.
    """
    if here := _current.get():
        yield here
        return
    with open_workspace(load_settings, name) as here:
        token = _current.set(here)
        try:
            yield here
        finally:
            _current.reset(token)


@asynccontextmanager
async def delivery_of_run(run_id: str) -> AsyncIterator[Delivery]:
    """Use the running delivery of this process, or start one for this run; raises like `open_delivery`."""
    with workspace() as here:
        if here.delivery is not None:
            yield here.delivery
            return
        async with open_delivery(here, find_run(here.outbox.ledger, run_id)) as delivery:
            yield delivery

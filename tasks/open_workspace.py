"""The open workspace of this process: a flow opens it once, and its tasks use it.

A task that runs alone opens its own.
"""

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from armrest.app.workspace import Workspace, open_delivery, open_workspace
from armrest.outbox import find_run
from armrest.telemetry import flush_telemetry, log_as_json, start_telemetry
from tasks.connections import load_settings

if TYPE_CHECKING:
    from armrest.delivery import Delivery  # loads httpx, which planning does without

_current: ContextVar[Workspace | None] = ContextVar("workspace", default=None)


@contextmanager
def use_workspace(name: str = "") -> Iterator[Workspace]:
    """Use the open workspace of this process, or open one for the duration of the block.

    Args:
        name: A connection that Prefect stores. Empty: the connection that the settings name, or the settings alone.

    Raises:
        SettingsRefused: A setting cannot be used.
        LedgerUnusable: The ledger cannot be used.
    """
    if workspace := _current.get():
        yield workspace
        return
    _spare_modules()
    with open_workspace(load_settings, name) as workspace:
        start_telemetry()
        if workspace.settings.log_format == "json":
            log_as_json()
        token = _current.set(workspace)
        try:
            yield workspace
        finally:
            _current.reset(token)
            flush_telemetry()


@cache
def _spare_modules() -> None:
    """Let the garbage collector pass over what is loaded by now: modules, which stay until the process ends.

    Only once, so that a process that works on many runs keeps none of their objects.
    """
    gc.freeze()


@asynccontextmanager
async def delivery_of_run(run_id: str) -> AsyncIterator["Delivery"]:
    """Use the running delivery of this process, or start one for this run; raises like `open_delivery`."""
    with use_workspace() as workspace:
        if workspace.delivery is not None:
            yield workspace.delivery
            return
        async with open_delivery(workspace, find_run(workspace.outbox.ledger, run_id)) as delivery:
            yield delivery

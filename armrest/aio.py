"""Work done side by side."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")


async def gather_or_cancel(work: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Await all of it, and return what came of each; the first fault cancels the rest and is raised as it is.

    Cancelled, it awaits how each of them ends, which `asyncio.gather` does not.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in work]
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None
    return [task.result() for task in tasks]

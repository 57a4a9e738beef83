"""Concurrency helpers for asyncio."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")


async def gather_or_cancel(work: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Await all coroutines and return their results; the first error cancels the others and is raised.

    Cancelled, it awaits how each of them ends, which `asyncio.gather` does not.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in work]
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None
    return [task.result() for task in tasks]

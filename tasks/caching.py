"""Rules for using a task's cached result, and for retrying a task."""

from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.client.schemas import State, TaskRun
from prefect.context import TaskRunContext

P = ParamSpec("P")
R = TypeVar("R")


def cached_if(is_done: bool, task: Task[P, R]) -> Task[P, R]:  # noqa: FBT001  it reads as a sentence
    """Return the task to call; its cached result counts only if the ledger says that the work is done.

    Otherwise the task runs, and its new result replaces the cached one, because the ledger may be an older copy.
    """
    return task if is_done else task.with_options(refresh_cache=True)


def run_and_slice(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Return a key of the logical run and the slice, not of the content: A, then B, then A again are three sends."""
    return f"{context.task.name} {parameters['run_id']} {parameters.get('slice_no', 0)}"


async def is_unexpected(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry a task only after an error of this machine; the layers below handle ARM's errors and the deadline."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, OSError)

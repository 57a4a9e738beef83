"""Prefect between a run and its slices, as flows use it: task runs with cached results, and a server that goes away."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from armrest.outbox import Ledger, Run, is_closed, is_submitted

Step = Callable[[int], Awaitable[object]]

FAILURES: Final = 0.12
"""How probable it is that the server is away when a task run begins, or when it ends."""


class PrefectAway(Exception):
    """The server cannot be reached: whatever the task has done, the flow run ends."""


class TaskRuns:
    """The steps of a run's slices as task runs.

    A cached result of every slice is there, of whatever time; it counts if the ledger agrees, as in flows/steps.
    """

    def __init__(self, ledger: Ledger, run: Run, random: Random, *, failures: float = FAILURES) -> None:
        self._ledger = ledger
        self._run = run
        self._random = random
        self._failures = failures

    def submit(self, work: Step) -> Step:
        """The task run that submits a slice."""
        return self._task_run(work, is_submitted)

    def poll(self, work: Step) -> Step:
        """The task run that polls a slice."""
        return self._task_run(work, is_closed)

    def _task_run(self, work: Step, is_done: Callable[[Ledger, Run, int], bool]) -> Step:
        async def run(slice_no: int) -> None:
            self._reach()
            if not is_done(self._ledger, self._run, slice_no):
                await work(slice_no)
                self._reach()

        return run

    def _reach(self) -> None:
        if self._random.random() < self._failures:
            raise PrefectAway

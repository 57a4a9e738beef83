"""Group commit: all writes of one event-loop iteration share one transaction, and so one flush to disk.

While the flush blocks the event loop, more answers arrive: the busier a run, the larger its groups. Reasons and
figures: docs/decisions/0064-group-commit.md.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from armrest.outbox.errors import LedgerUnusable
from armrest.outbox.ledger.ledger import Ledger

_T = TypeVar("_T")
_Waiting = list[tuple[Callable[[Ledger], Any], asyncio.Future[Any]]]


class GroupCommit:
    """Writes of the tasks of one event loop, committed together."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: _Waiting = []

    async def write(self, work: Callable[[Ledger], _T]) -> _T:
        """Run `work` with the ledger within the group's transaction, and return its result once it is committed.

        The work runs even if the caller is cancelled. If other work in the group fails, the transaction is rolled back
        and this work is called again, so it must touch nothing but the ledger.

        Raises:
            LedgerUnusable: The group could not be committed.
            Exception: Whatever `work` raised.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._commit)
        done: asyncio.Future[_T] = loop.create_future()
        self._waiting.append((work, done))
        return await done

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            with self._ledger.transaction() as ledger:
                ends = [(done, work(ledger)) for work, done in waiting]
        except Exception as error:  # noqa: BLE001  raised in the callers
            if len(waiting) > 1 and not isinstance(error, LedgerUnusable):
                self._commit_each(waiting)
                return
            for _, done in waiting:
                _fail(done, error)
        except BaseException as error:
            for _, done in waiting:
                _fail(done, error)
            raise
        else:
            for done, end in ends:
                if not done.cancelled():
                    done.set_result(end)

    def _commit_each(self, waiting: _Waiting) -> None:
        for one in waiting:
            self._waiting = [one]
            self._commit()


def _fail(done: asyncio.Future[Any], error: BaseException) -> None:
    if not done.cancelled():
        done.set_exception(error)

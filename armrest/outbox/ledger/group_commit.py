"""Group commit: what many tasks write in one turn of the event loop is one transaction, and one flush to the disk.

While the disk is flushed, the event loop stands still, and more answers come in: the busier a run, the larger its
groups. Reasons and figures: docs/decisions/0064-group-commit.md.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from armrest.outbox.errors import LedgerUnusable
from armrest.outbox.ledger.ledger import Ledger

_T = TypeVar("_T")


class GroupCommit:
    """Writes of the tasks of one event loop, committed together."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []

    async def write(self, work: Callable[[], _T]) -> _T:
        """Have `work` write to the ledger, and return what it has returned once that is committed.

        It is carried out even if whoever awaits it is cancelled. Where another's work of the group fails, it is undone
        and called once more, so that it must do nothing but read the ledger and write to it.

        Raises:
            LedgerUnusable: The group could not be committed.
            Exception: What `work` has raised.
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
            with self._ledger.joint():
                ends = [(done, work()) for work, done in waiting]
        except Exception as error:  # noqa: BLE001  handed to whom it concerns
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

    def _commit_each(self, waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]]) -> None:
        for one in waiting:
            self._waiting = [one]
            self._commit()


def _fail(done: asyncio.Future[Any], error: BaseException) -> None:
    if not done.cancelled():
        done.set_exception(error)

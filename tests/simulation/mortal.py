"""What a simulated process has open: its ledger, its bodies, its spill. Each of them may be where it dies or sleeps."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Row, Select
from sqlalchemy.exc import OperationalError

from armrest.outbox import Ledger, SpilledUuid
from armrest.outbox.bodies import BodyStore
from armrest.outbox.spill import Spill
from tests.simulation.hazards import Call
from tests.simulation.scenario import Moment

_T = TypeVar("_T")


class Owner(Protocol):
    """The process that has them open."""

    def assert_alive(self) -> None:
        """Do not let the dead write."""

    def reaches(self, moment: Moment) -> None:
        """Die or sleep here, if that is its fate."""

    def fails(self, call: Call) -> bool:
        """Whether this call of the ledger fails."""

    def committed(self) -> None:
        """Let the judge see what was committed."""

    def waited(self, seconds: float) -> None:
        """Let the judge know that it was blocked."""

    def spilled(self, spilled: SpilledUuid) -> None:
        """Let the judge know that a batchUuid is on the disk."""

    def unspilled(self, spilled: SpilledUuid) -> None:
        """Let the judge know that a batchUuid is no longer on the disk."""


class ConnectionLost(Exception):
    """What a driver raises when a server ends its connection, or cannot be reached."""


def _lost() -> OperationalError:
    """As SQLAlchemy raises it."""
    cause = ConnectionLost("server closed the connection unexpectedly")
    return OperationalError("", None, cause, connection_invalidated=True)


class MortalLedger(Ledger):
    """A ledger in whose transactions a process may die, and whose connections may be lost."""

    def __init__(self, engine: Engine, owner: Owner, *, now: Callable[[], float]) -> None:
        self._owner = owner
        super().__init__(engine, now=now, sleep=self._wait)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As a ledger's, and the judge sees what was committed."""
        self._owner.assert_alive()
        with super().write() as tx:
            yield tx
            self._owner.reaches("before a commit")
            if self._owner.fails("commit"):
                raise _lost()
            if self._owner.fails("answer"):
                tx.commit()
                self._owner.committed()
                raise _lost()
        self._owner.committed()
        self._owner.reaches("after a commit")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As a ledger's."""
        self._owner.assert_alive()
        with super().read() as tx:
            if self._owner.fails("read"):
                raise _lost()
            yield tx

    def rows(self, query: Select[Any], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """As a ledger's."""
        self._owner.assert_alive()
        return super().rows(query, values)

    def _reach(self, call: Callable[[], _T]) -> _T:
        def connect() -> _T:
            if self._owner.fails("connection"):
                raise _lost()
            return call()

        return super()._reach(connect)

    def _wait(self, seconds: float) -> None:
        """A process that is blocked: nobody else does anything meanwhile, either."""
        self._owner.waited(seconds)
        loop: Any = asyncio.get_running_loop()
        loop.jump(seconds)


class MortalBodies(BodyStore):
    """A store of bodies at whose files a process may sleep."""

    def __init__(self, url: str, owner: Owner) -> None:
        super().__init__(url)
        self._process = owner

    def open_for_writing(self, file: str) -> IO[bytes]:
        """As a store's."""
        self._process.reaches("at a file of bodies")
        return super().open_for_writing(file)

    def finish(self, file: str, handle: IO[bytes]) -> None:
        """As a store's."""
        super().finish(file, handle)
        self._process.reaches("at a file of bodies")


class MortalSpill(Spill):
    """A spill into which the dead write nothing."""

    def __init__(self, folder: Any, ledger: Ledger, owner: Owner) -> None:
        super().__init__(folder, ledger)
        self._owner = owner

    def write(self, spilled: SpilledUuid) -> bool:
        """As a spill's."""
        self._owner.assert_alive()
        done = super().write(spilled)
        self._owner.spilled(spilled)
        return done

    def remove(self, spilled: SpilledUuid) -> None:
        """As a spill's."""
        self._owner.assert_alive()
        super().remove(spilled)
        self._owner.unspilled(spilled)

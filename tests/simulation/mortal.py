"""What a simulated process has open: its ledger, its bodies, its spill. Each of them may be where it dies or sleeps."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, Protocol, TypeVar

from sqlalchemy import Connection, Row, Select

from armrest.outbox import Ledger, SpilledUuid
from armrest.outbox.bodies import BodyStore
from armrest.outbox.spill import Spill
from tests.simulation.disk import Disk
from tests.simulation.hazards import Call
from tests.simulation.scenario import Loss, Moment

_T = TypeVar("_T")


class Owner(Protocol):
    """The process that has them open."""

    alive: bool

    def assert_alive(self) -> None:
        """Do not let the dead write."""

    def reaches(self, moment: Moment) -> None:
        """Die or sleep here, if that is its fate."""

    def fails(self, call: Call) -> Loss | None:
        """Whether this call of the ledger fails; if so, how."""

    def committed(self) -> None:
        """Let the judge see what was committed."""

    def waited(self, seconds: float) -> None:
        """Let the judge know that it was blocked."""

    def spilled(self, spilled: SpilledUuid) -> None:
        """Let the judge know that a batchUuid is on the disk."""

    def unspilled(self, spilled: SpilledUuid) -> None:
        """Let the judge know that a batchUuid is no longer on the disk."""


class MortalLedger(Ledger):
    """A ledger in whose transactions a process may die, and whose connections may be lost."""

    def __init__(self, disk: Disk, owner: Owner, *, now: Callable[[], float]) -> None:
        self._disk = disk
        self._owner = owner
        super().__init__(disk.engine, now=now, sleep=self._wait)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """As a ledger's, and the judge sees what was committed."""
        self._owner.assert_alive()
        with super().write() as tx, self._abandoned_by_the_dead(tx):
            yield tx
            self._owner.reaches("before a commit")
            if loss := self._owner.fails("commit"):
                self._disk.lose(tx, loss)
            if self._owner.fails("answer"):
                tx.commit()
                self._owner.committed()
                self._disk.lose(tx, "cut off")
                tx.exec_driver_sql("SELECT 1")
        self._owner.committed()
        self._owner.reaches("after a commit")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """As a ledger's."""
        self._owner.assert_alive()
        with super().read() as tx, self._abandoned_by_the_dead(tx):
            if self._owner.fails("read"):
                self._disk.lose(tx, "cut off")
            yield tx

    def rows(self, query: Select[Any], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """As a ledger's."""
        self._owner.assert_alive()
        return super().rows(query, values)

    def _reach(self, call: Callable[[], _T]) -> _T:
        def connect() -> _T:
            if self._owner.fails("connection"):
                self._disk.fail_to_connect()
            return call()

        return super()._reach(connect)

    @contextmanager
    def _abandoned_by_the_dead(self, tx: Connection) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if not self._owner.alive:
                self._disk.abandon(tx)
            raise

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

"""Where simulations keep their files: in memory where the system has a place for that, emptied for each seed."""

import shutil
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from armrest.outbox import Ledger, Outbox
from armrest.outbox.bodies import BodyStore
from tests.simulation.records import BareSql
from tests.simulation.scenario import Loss

MEMORY: Final = Path("/dev/shm")


class Disk(ABC):
    """A folder for bodies, sources and rejects, and a ledger. One engine serves all seeds: it keeps its statements."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.bodies = folder / "bodies"
        self.rejects = folder / "rejects"
        self.spill = folder / "spill"
        self.engine = engine

    @property
    @abstractmethod
    def sql(self) -> BareSql:
        """The ledger, for reading it without the engine."""

    def clear(self) -> None:
        """Begin anew."""
        shutil.rmtree(self.folder)
        self.rejects.mkdir(parents=True)
        self.clear_ledger()

    @abstractmethod
    def clear_ledger(self) -> None:
        """Make the ledger one that was opened once, and is empty."""

    @abstractmethod
    def fail_to_connect(self) -> NoReturn:
        """Raise what the engine raises while its server is away."""

    @abstractmethod
    def lose(self, tx: Connection, loss: Loss) -> None:
        """Make a transaction fail: this call raises the engine's error, or the next statement does."""

    @abstractmethod
    def abandon(self, tx: Connection) -> None:
        """End a transaction as the death of its process ends it."""

    def outbox(self, now: Callable[[], float]) -> Outbox:
        """The outbox as nobody's process has opened it."""
        return Outbox(Ledger(self.engine, now=now), BodyStore(str(self.bodies)))


DiskFactory = Callable[[], AbstractContextManager[Disk]]
"""Opens a disk that is removed at the end of its block."""


class ConnectionLost(Exception):
    """What a driver raises when a server ends its connection, or cannot be reached."""


class SqliteDisk(Disk):
    """The ledger is a file of the folder. The errors of a server are imitated."""

    def __init__(self, folder: Path) -> None:
        self._ledger = folder / "ledger.db"
        super().__init__(folder, Ledger.open(f"sqlite:///{self._ledger}")._engine)
        event.listen(self.engine, "connect", _hurry)
        self.engine.dispose()
        self._empty = self._ledger.read_bytes()
        self._sql = _SqliteSql(self._ledger)

    @property
    def sql(self) -> BareSql:
        """A connection that is not the engine's."""
        return self._sql

    def clear_ledger(self) -> None:
        """Begin with the file of a ledger that was opened once."""
        self.close()
        self._ledger.write_bytes(self._empty)
        self._sql = _SqliteSql(self._ledger)

    def fail_to_connect(self) -> NoReturn:
        """As SQLAlchemy raises it."""
        cause = ConnectionLost("server closed the connection unexpectedly")
        raise OperationalError("", None, cause, connection_invalidated=True)

    def lose(self, _tx: Connection, _loss: Loss) -> None:
        """As SQLAlchemy raises it, whatever the cause."""
        self.fail_to_connect()

    def abandon(self, _tx: Connection) -> None:
        """Do nothing: the ledger rolls back when it closes the transaction, and the file is then the same."""

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()
        self._sql.close()


@contextmanager
def disk() -> Iterator[Disk]:
    """A disk with SQLite."""
    with memory() as folder, closing(SqliteDisk(folder)) as opened:
        yield opened


@contextmanager
def memory() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


class _SqliteSql(BareSql):
    """A connection of its own."""

    def __init__(self, ledger: Path) -> None:
        self._connection = sqlite3.connect(ledger, isolation_level=None)

    def all(self, query: str, *values: Any) -> list[Any]:
        return self._connection.execute(query, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        self._connection.execute(statement, values)

    def copy(self) -> sqlite3.Connection:
        copy = sqlite3.connect(":memory:")
        self._connection.backup(copy)
        return copy

    def restore(self, copy: sqlite3.Connection) -> None:
        copy.backup(self._connection)
        copy.close()

    def close(self) -> None:
        self._connection.close()


def _hurry(connection: Any, _record: Any) -> None:
    """Do not wait for the disk: a process that dies here does not take the machine with it."""
    connection.execute("PRAGMA synchronous=OFF").close()

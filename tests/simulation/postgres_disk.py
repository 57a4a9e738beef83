"""The simulation with its ledger in PostgreSQL: a cluster in memory, without fsync, and a database for each disk.

Failures are real: sockets are shut, the server ends connections and raises deadlocks. Power cuts of the server are not
simulated. All simulated processes share one thread, so no two transactions run at once.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from armrest.outbox import Ledger
from tests.postgres import Cluster, cluster, programs
from tests.simulation.disk import MEMORY, Disk, DiskFactory, disk, memory
from tests.simulation.records import BareSql
from tests.simulation.scenario import Loss

SETTINGS: Final = ("synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "jit=off")
TRUNCATE_EVERY: Final = 50
"""Deleting rows is ten times as fast as TRUNCATE, but leaves them in the files."""
NOWHERE: Final = "/nowhere"
"""A folder without the socket of a server."""

_STATES: Final[dict[Loss, str]] = {"serialization failure": "40001", "deadlock": "40P01", "lock timeout": "55P03"}
_KEPT: Final = "facts"
"""This table is written once, when the ledger is created."""


class NoPostgres(Exception):
    """PostgreSQL is not installed on this machine."""


class PostgresDisk(Disk):
    """The ledger is a database of a server."""

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__(folder, Ledger.open(address)._engine)
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._server = _PostgresSql(psycopg.connect(url, autocommit=True))
        self._seeds = 0

    @property
    def sql(self) -> BareSql:
        """A connection that is not the engine's."""
        return self._server

    def clear_ledger(self) -> None:
        """Delete everything."""
        self._seeds += 1
        self._server.clear(truncate=self._seeds % TRUNCATE_EVERY == 0)

    def fail_to_connect(self) -> NoReturn:
        """Raise the driver's error for a socket that does not exist."""
        try:
            psycopg.connect(host=NOWHERE, user="nobody")
        except psycopg.OperationalError as error:
            raise OperationalError("", None, error) from None
        raise AssertionError(f"a server listens in {NOWHERE}")

    def lose(self, tx: Connection, loss: Loss) -> None:
        """Make the transaction fail in the server; if the socket is shut, the next statement fails."""
        if loss == "cut off":
            _shut_socket(tx)
        elif loss == "ended by the server":
            tx.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        else:
            tx.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{_STATES[loss]}'; END $$")

    def abandon(self, tx: Connection) -> None:
        """Shut the socket: the server has to notice, and rolls back."""
        if not tx.invalidated:
            _shut_socket(tx)
            tx.invalidate()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._server.close()


@contextmanager
def postgres_disk(server: Cluster) -> Iterator[Disk]:
    """A disk with a database of a server."""
    address = server.by_socket(server.new_database())
    with memory() as folder, closing(PostgresDisk(folder, address)) as opened:
        yield opened


def quick_cluster() -> AbstractContextManager[Cluster]:
    """Return a context manager that runs a cluster for simulations.

    Raises:
        NoPostgres: PostgreSQL is not installed.
    """
    folder = programs()
    if folder is None:
        raise NoPostgres("NO POSTGRESQL HERE: install Debian's postgresql")
    return cluster(folder, within=MEMORY if MEMORY.is_dir() else None, settings=SETTINGS)


@contextmanager
def disk_factory(*, postgres: bool) -> Iterator[DiskFactory]:
    """Yield what opens disks with SQLite, or with PostgreSQL, whose server runs until the end of the block."""
    if not postgres:
        yield disk
        return
    with quick_cluster() as server:
        yield partial(postgres_disk, server)


class _Copy(NamedTuple):
    """The rows of each table in the format of COPY, and each sequence with its last value and `is_called`."""

    rows: dict[str, bytes]
    sequences: list[tuple[str, int, bool]]


class _PostgresSql(BareSql):
    """One connection for all seeds."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._tables = [name for (name,) in self.all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        self._tables.remove(_KEPT)
        self._sequences = [name for (name,) in self.all("SELECT sequencename FROM pg_sequences")]

    def all(self, query: str, *values: Any) -> list[Any]:
        return self._run(query, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        self._run(statement, values)

    def clear(self, *, truncate: bool) -> None:
        """Delete all rows, and count from 1 again."""
        if truncate:
            self.change(f"TRUNCATE {', '.join(self._tables)} RESTART IDENTITY")
            return
        statements = [f"DELETE FROM {table}" for table in self._tables]
        statements += [f"SELECT setval('{name}', 1, false)" for name in self._sequences]
        self.change("; ".join(statements))

    def copy(self) -> "_Copy":
        with self._connection.transaction():
            self.change("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            rows = {table: self._rows(table) for table in self._tables}
            counts = [(name, *self._count(name)) for name in self._sequences]
        return _Copy(rows, counts)

    def restore(self, copy: "_Copy") -> None:
        """Replace all rows and the values of the sequences by those of the copy."""
        with self._connection.transaction():
            self.clear(truncate=True)
            for table, rows in copy.rows.items():
                with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as written:
                    written.write(rows)
            for count in copy.sequences:
                self.all("SELECT setval(?::text::regclass, ?, ?)", *count)

    def close(self) -> None:
        self._connection.close()

    def _rows(self, table: str) -> bytes:
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as read:
            return b"".join(read)

    def _count(self, sequence: str) -> tuple[int, bool]:
        [(last, is_used)] = self.all(f"SELECT last_value, is_called FROM {sequence}")
        return last, is_used

    def _run(self, statement: str, values: tuple[Any, ...]) -> psycopg.Cursor[Any]:
        return self._connection.execute(statement.replace("?", "%s"), values or None)


def _shut_socket(tx: Connection) -> None:
    """Shut the socket of a connection, as the end of its process would."""
    driver: Any = tx.connection.driver_connection
    with socket.socket(fileno=os.dup(driver.fileno())) as line, suppress(OSError):  # it may be cut off already
        line.shutdown(socket.SHUT_RDWR)

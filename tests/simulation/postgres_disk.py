"""Simulations whose ledger is in PostgreSQL: a cluster that does not sync, in memory, and a database for each disk.

The server loses transactions in earnest: connections are cut off, ended, or told of a deadlock. A power cut is its own
business, and not simulated. All processes share a thread, so no two of them wait for each other.
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
from tests.simulation.disk import MEMORY, Disk, Opening, disk, memory
from tests.simulation.records import BareSql
from tests.simulation.scenario import Loss

SETTINGS: Final = ("synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "jit=off")
TRUNCATE_EVERY: Final = 50
"""Deleting rows is ten times as fast as TRUNCATE, but leaves them in the files."""
NOWHERE: Final = "/nowhere"
"""A folder without the socket of a server."""

_STATES: Final[dict[Loss, str]] = {"serialization failure": "40001", "deadlock": "40P01", "lock timeout": "55P03"}
_KEPT: Final = "facts"
"""The table that nothing writes after a ledger was opened once."""


class NoPostgres(Exception):
    """The machine has no programs of PostgreSQL."""


class PostgresDisk(Disk):
    """The ledger is a database of a server."""

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__(folder, Ledger.open(address)._engine)
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._server = _PostgresSql(psycopg.connect(url, autocommit=True))
        self._seeds = 0

    @property
    def sql(self) -> BareSql:
        """A connection of its own, which knows no engine."""
        return self._server

    def clear_ledger(self) -> None:
        """Delete everything."""
        self._seeds += 1
        self._server.clear(truncate=self._seeds % TRUNCATE_EVERY == 0)

    def refuse(self) -> NoReturn:
        """As the driver says it where no server listens."""
        try:
            psycopg.connect(host=NOWHERE, user="nobody")
        except psycopg.OperationalError as error:
            raise OperationalError("", None, error) from None
        raise AssertionError(f"a server listens in {NOWHERE}")

    def lose(self, tx: Connection, loss: Loss) -> None:
        """Have the server lose it; what was cut off is noticed by the next statement."""
        if loss == "cut off":
            _cut(tx)
        elif loss == "ended by the server":
            tx.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        else:
            tx.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{_STATES[loss]}'; END $$")

    def abandon(self, tx: Connection) -> None:
        """Cut the connection off: nobody rolls back, or says goodbye."""
        if not tx.invalidated:
            _cut(tx)
            tx.invalidate()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
        self._server.close()


@contextmanager
def postgres_disk(server: Cluster) -> Iterator[Disk]:
    """A disk with a database of a server."""
    address = server.by_socket(server.new_database())
    with memory() as folder, closing(PostgresDisk(folder, address)) as opened:
        yield opened


def quick_cluster() -> AbstractContextManager[Cluster]:
    """Return what runs a cluster for simulations.

    Raises:
        NoPostgres: This machine cannot.
    """
    folder = programs()
    if folder is None:
        raise NoPostgres("NO POSTGRESQL HERE: install Debian's postgresql")
    return cluster(folder, within=MEMORY if MEMORY.is_dir() else None, settings=SETTINGS)


@contextmanager
def opening(*, postgres: bool) -> Iterator[Opening]:
    """What makes disks: with PostgreSQL, whose server runs meanwhile, or with SQLite."""
    if not postgres:
        yield disk
        return
    with quick_cluster() as server:
        yield partial(postgres_disk, server)


class _Copy(NamedTuple):
    """The rows of each table as COPY has them, and each sequence with its last value and whether that was used."""

    rows: dict[str, bytes]
    counts: list[tuple[str, int, bool]]


class _PostgresSql(BareSql):
    """A connection of its own, for all seeds."""

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
        """As pg_restore does: the tables are empty, and get the rows and the counts that the copy has."""
        with self._connection.transaction():
            self.clear(truncate=True)
            for table, rows in copy.rows.items():
                with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as written:
                    written.write(rows)
            for count in copy.counts:
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


def _cut(tx: Connection) -> None:
    """Have the server find that nobody is there any more."""
    driver: Any = tx.connection.driver_connection
    with socket.socket(fileno=os.dup(driver.fileno())) as line, suppress(OSError):  # it may be cut off already
        line.shutdown(socket.SHUT_RDWR)

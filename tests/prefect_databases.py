"""The databases of the tests' Prefect servers: SQLite in a server's home, or one of a throwaway PostgreSQL's."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests import migrated_home
from tests.postgres import Cluster

URL: Final = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
SQLITE_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"
POSTGRES_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
POSTGRES_CELLS: Final = sql.SQL("SELECT (jsonb_each_text(to_jsonb(r))).value FROM {} AS r")


@dataclass
class PrefectDatabases:
    """Gives each new home of a server its database.

    Attributes:
        environment: Of a first start; it has nothing of Prefect's.
        cluster: Where the databases are; None: SQLite.
    """

    environment: dict[str, str]
    cluster: Cluster | None = None
    _urls: dict[Path, str] = field(default_factory=dict)
    _template: str = ""

    def make_home(self, home: Path) -> dict[str, str]:
        """Make a home as a first start would leave it; return the environment that leads a server to it."""
        migrated_home.fill(home, self.environment)
        environment = {"PREFECT_HOME": str(home)}
        if self.cluster is None:
            return environment
        (home / migrated_home.DATABASE).unlink()
        self._template = self._template or self._migrated(self.cluster)
        self._urls[home] = self.cluster.new_database(self._template)
        return environment | {URL: _for_prefect(self._urls[home])}

    def cells(self, home: Path) -> list[str]:
        """Return every cell of every table of a home's database, as text."""
        if home not in self._urls:
            return list(_cells_of_sqlite(home / migrated_home.DATABASE))
        return list(_cells_of_postgres(self._urls[home]))

    def _migrated(self, cluster: Cluster) -> str:
        """Return the name of a database that a first start has migrated; it is copied for every home."""
        url = cluster.new_database()
        with TemporaryDirectory() as home:
            migrated_home.start_and_stop(Path(home), self.environment | {URL: _for_prefect(url)})
        return url.rpartition("/")[2]


def _for_prefect(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql+asyncpg:")


def _cells_of_sqlite(file: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        for (table,) in database.execute(SQLITE_TABLES).fetchall():
            yield from (str(cell) for row in database.execute(f'SELECT * FROM "{table}"') for cell in row)


def _cells_of_postgres(url: str) -> Iterator[str]:
    address = urlsplit(url)
    server: dict[str, Any] = {"host": address.hostname, "port": address.port, "user": address.username}
    with psycopg.connect(**server, dbname=address.path.removeprefix("/")) as database:
        for (table,) in database.execute(POSTGRES_TABLES).fetchall():
            yield from (str(cell) for (cell,) in database.execute(POSTGRES_CELLS.format(sql.Identifier(table))))

"""The ledger: one database that remembers what was planned, sent and answered.

SQLite in a local file by default (WAL, synchronous=FULL: what is committed survives a power cut); a PostgreSQL
address where several machines work on one run.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from armrest.outbox.errors import LedgerUnusable
from armrest.outbox.migrations import migrate
from armrest.outbox.schema import facts

NETWORK_FILE_SYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "9p", "afs", "fuse.sshfs"})
BUSY_SECONDS: Final = 60


class Ledger:
    """A database of runs, batches and customers. Every method of the outbox is one short transaction on it."""

    def __init__(self, engine: Engine, *, now: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._reading = engine.execution_options(armrest_readonly=True)
        self.now = now
        with self.read() as tx:
            self.fingerprint_key = bytes.fromhex(
                tx.execute(select(facts.c.value).where(facts.c.name == "fingerprint_key")).scalar_one()
            )

    @classmethod
    def open(cls, url: str, *, now: Callable[[], float] = time.time) -> "Ledger":
        """Open the ledger, made or brought to this version where needed.

        Raises:
            LedgerUnusable: It cannot be opened, is damaged, or was written by a newer version.
        """
        try:
            parsed = make_url(url)
            engine = _sqlite(parsed.database or "") if parsed.get_backend_name() == "sqlite" else create_engine(parsed)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
            raise LedgerUnusable(
                "ARMREST_LEDGER_URL is no ledger address: use sqlite:///FILE or postgresql+psycopg://…"
            ) from None
        with _told(parsed.render_as_string(hide_password=True)), ExitStack() as on_trouble:
            on_trouble.callback(engine.dispose)
            migrate(engine)
            ledger = cls(engine, now=now)
            on_trouble.pop_all()
            return ledger

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; it is committed at the end of the block."""
        with _told(self.name), self._engine.begin() as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, and never waits for a writer on SQLite."""
        with _told(self.name), self._reading.connect() as tx:
            yield tx

    @property
    def name(self) -> str:
        """The ledger's address, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say in one line what a database has to say, without the statement and its values."""
    try:
        yield
    except DBAPIError as error:
        raise LedgerUnusable(
            f"the ledger {name} cannot be used: {str(error.orig).splitlines()[0]}; nothing is sent without it"
        ) from None


def _sqlite(database: str) -> Engine:
    path = Path(database).expanduser()
    if database in {"", ":memory:"}:
        raise LedgerUnusable("a ledger in memory forgets what was sent: name a file, sqlite:///FILE")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnusable(f"the ledger's folder {path.parent} cannot be made: {error.strerror}") from None
    if kind := _network_file_system(path.parent):
        raise LedgerUnusable(
            f"the ledger {path} lies on a network share ({kind}), where SQLite loses data: "
            "use a local folder, or PostgreSQL by ARMREST_LEDGER_URL"
        )
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; `_begin_sqlite` says it
    with ExitStack() as on_trouble:
        on_trouble.callback(connection.close)  # SQLAlchemy does not yet know of it
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}").close()
        on_trouble.pop_all()


def _begin_sqlite(tx: Connection) -> None:
    readonly = tx.get_execution_options().get("armrest_readonly", False)
    tx.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def _network_file_system(folder: Path) -> str | None:
    """Return the kind of network share that holds a folder, or None."""
    resolved = folder.resolve()
    mounts = [m for m in psutil.disk_partitions(all=True) if resolved.is_relative_to(m.mountpoint)]
    kind = max(mounts, key=lambda m: len(m.mountpoint)).fstype.lower() if mounts else ""
    return kind if kind in NETWORK_FILE_SYSTEMS else None

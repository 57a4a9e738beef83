"""Engines for SQLite and PostgreSQL, set up so that one transaction writes at a time and none is lost."""

import select
import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import psutil
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError

from armrest.outbox.errors import LedgerUnusable

NETWORK_FILE_SYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "9p", "afs", "fuse.sshfs"})
BUSY_SECONDS: Final = 60
RECYCLE_SECONDS: Final = 60
"""Older connections are not reused: a firewall may have dropped them silently."""
ONE_WRITER: Final = 7_248_110
"""The number of the advisory lock that lets one PostgreSQL transaction write at a time, as in SQLite."""

_BUSY_SQLITE: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR})
_AWAY_POSTGRESQL: Final = ("08", "57P", "53300")
"""Beginnings of SQLSTATE: connection lost, server shutting down or starting up, too many connections."""
_BUSY_POSTGRESQL: Final = ("40", "55P03", "25P03")
"""A deadlock, a lock that was not free in time, a transaction that the server ended because it was idle."""

_WAIT_TO_WRITE: Final = text(
    f"SELECT set_config('idle_in_transaction_session_timeout', '{BUSY_SECONDS}s', true), "
    f"pg_advisory_xact_lock({ONE_WRITER})"
)


def postgresql(address: URL) -> Engine:
    """Return an engine on PostgreSQL."""
    engine = create_engine(address, pool_recycle=RECYCLE_SECONDS, hide_parameters=True)
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "checkout", _replace_if_closed)
    return engine


def lock_for_writing(tx: Connection) -> None:
    """Make a PostgreSQL transaction wait until no other one writes; an idle transaction is ended after a minute.

    SQLite already waits when a transaction begins.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(_WAIT_TO_WRITE)


def reading(engine: Engine) -> Engine:
    """Return an engine whose transactions see the ledger as it was when they began."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine.execution_options(armrest_readonly=True)


def asking(engine: Engine) -> Engine:
    """Return an engine that runs each statement on its own, without beginning or ending a transaction."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return engine.execution_options(armrest_alone=True)


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.commit()


def _replace_if_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Replace a connection that the server has closed: data arrives unasked, and that is seldom anything else.

    `pool_pre_ping` would ask the server each time, which costs as much as a statement.
    """
    listening = select.poll()
    if not connection.closed:
        listening.register(connection.fileno(), select.POLLIN)
    if connection.closed or listening.poll(0):
        raise DisconnectionError


def sqlite(address: URL) -> Engine:
    """Return an engine on a SQLite file, whose folder is created if needed.

    Raises:
        LedgerUnusable: The URL names no file, or a file where SQLite would lose data.
    """
    database = address.database or ""
    path = Path(database).expanduser()
    if database in {"", ":memory:"}:
        raise LedgerUnusable("a ledger in memory forgets what was sent: name a file, sqlite:///FILE")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnusable(f"the ledger's folder {path.parent} cannot be created: {error.strerror}") from None
    if kind := _network_file_system(path.parent):
        raise LedgerUnusable(
            f"the ledger {path} is on a network share ({kind}), where SQLite loses data: "
            "use a local folder, or set ARMREST_LEDGER_URL to PostgreSQL"
        )
    connecting = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(f"sqlite:///{path}", connect_args=connecting, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; `_begin_sqlite` issues it
    with ExitStack() as on_trouble:
        on_trouble.callback(connection.close)  # SQLAlchemy does not know about it yet
        _switch_to_wal(connection)
        for pragma in ("synchronous=FULL", "cache_size=-16384"):
            _set(connection, pragma)
        on_trouble.pop_all()


def _set(connection: sqlite3.Connection, pragma: str) -> None:
    connection.execute(f"PRAGMA {pragma}").close()


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; if two processes create a ledger at the same moment, SQLite does not wait by itself."""
    pragma = "journal_mode=WAL"
    try:
        _set(connection, pragma)
    except sqlite3.OperationalError as error:
        if not _is_busy(error):
            raise
        from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random  # seldom needed, slow to load

        wait, stop = wait_random(0.001, 0.02), stop_after_delay(BUSY_SECONDS)
        Retrying(retry=retry_if_exception(_is_busy), wait=wait, stop=stop, reraise=True)(_set, connection, pragma)


def is_away(error: DBAPIError) -> bool:
    """Whether the connection to the server was lost, or cannot be made at the moment; never so for a file."""
    if isinstance(error.orig, sqlite3.Error):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # the server had no chance to say why
        return error.connection_invalidated or type(error.orig).__name__ == "OperationalError"
    return error.connection_invalidated or state.startswith(_AWAY_POSTGRESQL)


def may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed in a moment. A full disk, damage or missing rights do not pass."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _BUSY_SQLITE
    state = getattr(cause, "sqlstate", None) or ""
    return state.startswith(_BUSY_POSTGRESQL) or (isinstance(error, DBAPIError) and is_away(error))


def _begin_sqlite(tx: Connection) -> None:
    options = tx.get_execution_options()
    if not options.get("armrest_alone"):
        tx.exec_driver_sql("BEGIN" if options.get("armrest_readonly") else "BEGIN IMMEDIATE")


def _network_file_system(folder: Path) -> str | None:
    """Return the kind of network share that holds a folder, or None."""
    resolved = folder.resolve()
    mounts = [m for m in psutil.disk_partitions(all=True) if resolved.is_relative_to(m.mountpoint)]
    kind = max(mounts, key=lambda m: len(m.mountpoint)).fstype.lower() if mounts else ""
    return kind if kind in NETWORK_FILE_SYSTEMS else None

"""Copy a ledger while others read and write it.

SQLite's own copy holds one moment: a transaction is in it as a whole, or not at all. Source: https://sqlite.org/backup.html
"""

import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from armrest.outbox.errors import BackupRefused
from armrest.outbox.ledger.ledger import Ledger
from armrest.tabular import AtomicFile, partial_path


def back_up(ledger: Ledger, target: Path) -> int:
    """Copy a ledger to a file that only its owner may read; return the size of the copy in bytes.

    The file is complete and on disk before it has its name. Runs go on meanwhile.

    Raises:
        BackupRefused: The target exists or cannot be written, the ledger is damaged, or it is in PostgreSQL.
    """
    if ledger.is_shared:
        raise BackupRefused(
            f"the ledger is in PostgreSQL, which has its own tool for copies: run "
            f"pg_dump --format=custom --file={shlex.quote(str(target))} --dbname={_libpq_url(ledger)}"
        )
    if target.exists():
        raise BackupRefused(f"{target} exists already: name a new file for the copy")
    try:
        file = AtomicFile(target)
        try:
            _copy(ledger, partial_path(target))
        except BaseException:
            file.discard()
            raise
        file.commit()
    except OSError as error:
        raise BackupRefused(f"the copy {target} cannot be written: {error.strerror}") from None
    return target.stat().st_size


def integrity_errors(ledger: Ledger) -> list[str]:
    """Return what SQLite finds damaged in its file; empty if nothing is, and on PostgreSQL, which checks by itself."""
    if ledger.is_shared:
        return []
    with ledger.driver() as connection:
        try:
            lines = [line for (line,) in connection.execute("PRAGMA integrity_check")]
        except sqlite3.DatabaseError as error:  # a page is so damaged that even this ends
            lines = [str(error)]
    return [] if lines == ["ok"] else lines


def _copy(ledger: Ledger, partial: Path) -> None:
    with ledger.driver() as source, closing(sqlite3.connect(partial)) as copy:
        try:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE").close()  # the copy is one file, without a WAL beside it
            damage = copy.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.Error as error:
            raise BackupRefused(f"the ledger {ledger.name} cannot be copied to {partial.parent}: {error}") from None
    if damage != [("ok",)]:
        raise BackupRefused(
            f"the ledger {ledger.name} is damaged ({damage[0][0]}): keep the last good copy, and restore it"
        )


def _libpq_url(ledger: Ledger) -> str:
    """Return the address as PostgreSQL's tools take it: without a driver and without a password."""
    scheme, _, rest = ledger.name.partition("://")
    return f"{scheme.partition('+')[0]}://{rest.replace(':***@', '@')}"

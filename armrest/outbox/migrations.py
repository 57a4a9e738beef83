"""The ledger's versions: numbered steps, each committed together with its own record.

A step is never edited once released; a new one is appended.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection, Engine, insert, select

from armrest.outbox.errors import LedgerUnusable
from armrest.outbox.schema import METADATA, facts

VERSION_FACT: Final = "schema_version"


def _first_tables(tx: Connection) -> None:
    METADATA.create_all(tx)
    tx.execute(insert(facts).values(name="fingerprint_key", value=secrets.token_hex(32)))


STEPS: Final[Sequence[Callable[[Connection], None]]] = (_first_tables,)


def migrate(engine: Engine) -> None:
    """Bring a ledger to this version; safe to repeat, and safe from two processes at once.

    Raises:
        LedgerUnusable: The ledger was written by a newer version.
    """
    with engine.begin() as tx:  # SQLite: BEGIN IMMEDIATE, so a second process waits here
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql("SELECT pg_advisory_xact_lock(7248110)")
        facts.create(tx, checkfirst=True)
        version = _version(tx)
        if version > len(STEPS):
            raise LedgerUnusable(
                f"the ledger has schema version {version}, this program knows {len(STEPS)}: use a newer armrest-flows"
            )
        for number, step in enumerate(STEPS[version:], start=version + 1):
            step(tx)
            tx.execute(facts.delete().where(facts.c.name == VERSION_FACT))
            tx.execute(insert(facts).values(name=VERSION_FACT, value=str(number)))


def _version(tx: Connection) -> int:
    found = tx.execute(select(facts.c.value).where(facts.c.name == VERSION_FACT)).scalar()
    return int(found) if found else 0

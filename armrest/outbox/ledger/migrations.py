"""Migrations: a new ledger gets the newest tables, and an older one is migrated by numbered steps.

A released step is never edited; a new step is appended, together with its change to the tables.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from armrest.outbox.errors import LedgerUnusable
from armrest.outbox.ledger.engines import lock_for_writing
from armrest.outbox.ledger.schema import METADATA, confirmations, facts, shards

VERSION_FACT: Final = "schema_version"

Step = Callable[[Connection], None]


def _shards(tx: Connection) -> None:
    """Several workers may send one run."""
    shards.create(tx, checkfirst=True)


def _people(tx: Connection) -> None:
    """Record who stopped a run, who confirmed a source's client, planning attempts, dry runs, and a lease's token.

    What ended before counts as shown in Prefect.
    """
    tx.execute(text("ALTER TABLE clients ADD COLUMN token VARCHAR(32)"))
    tx.execute(text("ALTER TABLE runs ADD COLUMN stopped_by VARCHAR(16)"))
    if "reported_at" not in {column["name"] for column in inspect(tx).get_columns("runs")}:
        tx.execute(text("ALTER TABLE runs ADD COLUMN reported_at DOUBLE PRECISION"))
    tx.execute(text("UPDATE runs SET reported_at = ended_at"))
    tx.execute(text("ALTER TABLE runs ADD COLUMN plan_attempt INTEGER NOT NULL DEFAULT 0"))
    tx.execute(text("ALTER TABLE runs ADD COLUMN dry_run INTEGER NOT NULL DEFAULT 0"))
    stored = tx.execute(text("SELECT seq, request FROM runs")).all()
    dry_runs = [{"seq": seq} for seq, request in stored if json.loads(request).get("dry_run")]
    if dry_runs:
        tx.execute(text("UPDATE runs SET dry_run = 1 WHERE seq = :seq"), dry_runs)
    confirmations.create(tx, checkfirst=True)


STEPS: Final[Sequence[Step]] = (_shards, _people)
"""From version 1 to 2, from 2 to 3, and so on."""


def migrate(engine: Engine, steps: Sequence[Step] = STEPS) -> None:
    """Migrate a ledger to the newest version in one transaction; safe to repeat, and in two processes at once.

    Raises:
        LedgerUnusable: The ledger was written by a newer version.
    """
    newest = 1 + len(steps)
    with engine.begin() as tx:
        lock_for_writing(tx)
        version = _version(tx)
        if version > newest:
            raise LedgerUnusable(
                f"the ledger has schema version {version}, this program knows {newest}: use a newer armrest-flows"
            )
        if version == 0:
            METADATA.create_all(tx)
            tx.execute(insert(facts).values(name="fingerprint_key", value=secrets.token_hex(32)))
        else:
            for step in steps[version - 1 :]:
                step(tx)
        if version < newest:
            tx.execute(facts.delete().where(facts.c.name == VERSION_FACT))
            tx.execute(insert(facts).values(name=VERSION_FACT, value=str(newest)))


def _version(tx: Connection) -> int:
    """Return the version of the existing tables, or 0 if there are none."""
    facts.create(tx, checkfirst=True)
    found = tx.execute(select(facts.c.value).where(facts.c.name == VERSION_FACT)).scalar()
    return int(found) if found else 0

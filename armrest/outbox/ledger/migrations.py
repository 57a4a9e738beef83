"""Migrations: a new ledger gets the newest tables, and an older one is migrated by numbered steps.

A released step is never edited; a new step is appended, together with its change to the tables.
"""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from armrest.outbox.errors import LedgerUnusable
from armrest.outbox.ledger.adding_current_lines import add_current_lines
from armrest.outbox.ledger.engines import lock_for_writing
from armrest.outbox.ledger.schema import METADATA, archived, confirmations, facts, profiles, shards

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
    tx.execute(text("ALTER TABLE runs ADD COLUMN read_order BIGINT"))
    stored = tx.execute(text("SELECT seq, request FROM runs")).all()
    dry_runs = [{"seq": seq} for seq, request in stored if json.loads(request).get("dry_run")]
    if dry_runs:
        tx.execute(text("UPDATE runs SET dry_run = 1 WHERE seq = :seq"), dry_runs)
    tx.execute(text("UPDATE runs SET read_order = 2 * data_seq + dry_run WHERE parent_run_id IS NULL"))
    confirmations.create(tx, checkfirst=True)
    archived.create(tx, checkfirst=True)


def _version_3(tx: Connection) -> None:
    _people(tx)
    add_current_lines(tx)


def _profiles(tx: Connection) -> None:
    """Keep what the source of a run was like."""
    profiles.create(tx, checkfirst=True)


STEPS: Final[Sequence[Step]] = (_shards, _version_3, _profiles)
"""From version 1 to 2, from 2 to 3, and so on."""

QUICK_FROM: Final = 3
"""From this version on, no step reads the lines: a ledger of any size is migrated when it is opened."""

MOST_LINES: Final = 1_000_000
"""A larger ledger is migrated only when a person asks for it: nothing can be sent during the minutes that it takes."""


def migrate(engine: Engine, steps: Sequence[Step] = STEPS, *, most_lines: int | None = None) -> tuple[int, int]:
    """Migrate a ledger to the newest version, and return the versions before and after.

    All of it is one transaction: whenever the process is killed, the ledger is as it was, or migrated. So it is safe to
    repeat, and in two processes at once.

    Args:
        most_lines: Refuse to migrate a ledger with more customers in all its runs, if a step reads all of them; None:
            migrate any.

    Raises:
        LedgerUnusable: The ledger was written by a newer version, has too many lines, or a run is sending: the program
            that sends is older, and would not write what this version reads.
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
            if version < newest:
                _assert_idle(tx)
                if version < QUICK_FROM:
                    _assert_small(tx, most_lines)
            for step in steps[version - 1 :]:
                step(tx)
        if version < newest:
            tx.execute(facts.delete().where(facts.c.name == VERSION_FACT))
            tx.execute(insert(facts).values(name=VERSION_FACT, value=str(newest)))
        return version, newest


def is_outdated(engine: Engine) -> bool:
    """Whether a ledger exists and has an older version."""
    with engine.begin() as tx:
        lock_for_writing(tx)
        return 0 < _version(tx) < 1 + len(STEPS)


def _assert_idle(tx: Connection) -> None:
    live_leases = text(
        "SELECT client_no, holder_run_id FROM clients WHERE holder_run_id IS NOT NULL AND lapses_at > :now"
    )
    if row := tx.execute(live_leases, {"now": time.time()}).first():
        raise LedgerUnusable(
            f"the ledger is of an older version, and run {row.holder_run_id} of client {row.client_no} still holds its "
            "client with it: try again when that run has ended"
        )


def _assert_small(tx: Connection, most_lines: int | None) -> None:
    if most_lines is None:
        return
    lines = text("SELECT count(*) FROM (SELECT 1 FROM customers LIMIT :enough) AS counted")
    if tx.execute(lines, {"enough": most_lines + 1}).scalar_one() > most_lines:
        raise LedgerUnusable(
            f"the ledger is of an older version and has over {most_lines:,} lines: run `armrest ledger migrate` once, "
            "which makes a copy of it first and takes some minutes"
        )


def _version(tx: Connection) -> int:
    """Return the version of the existing tables, or 0 if there are none."""
    facts.create(tx, checkfirst=True)
    version = tx.execute(select(facts.c.value).where(facts.c.name == VERSION_FACT)).scalar()
    return int(version) if version else 0

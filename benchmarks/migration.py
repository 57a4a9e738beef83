"""`python -m benchmarks.migration [--lines 10000000]`: what `armrest ledger migrate` costs on a large ledger of 0.1.0.

The ledger is the one of `tests/upgrade`, which version 0.1.0 has left behind. Its completed run is repeated, night
after night, with 200,000 customers in batches of 1,000, all settled. It has the tables and indexes of 0.1.0. The
command makes its copy first, as it does for anyone.
"""

import argparse
import sqlite3
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.contestants import environment
from benchmarks.cost import measured
from benchmarks.table import machine
from tests.upgrade.unpack import ARCHIVE, CASES

CUSTOMERS: Final = 200_000
BATCH_SIZE: Final = 1_000
DAY: Final = 86_400

_NUMBERS: Final = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :number)"
_RUN: Final = {"seq": ":seq", "run_id": "run_id || '-' || :seq", "data_seq": ":seq"} | dict.fromkeys(
    ("created_at", "planned_at", "started_at", "ended_at"), ":at"
)
_BATCH: Final = {
    "run_seq": ":seq",
    "seq": "i + 1",
    "data_seq": ":seq",
    "slice_no": "i / 2 + 1",
    "customers": ":size",
    "first_ordinal": "i * :size",
    "last_ordinal": "i * :size + :size - 1",
    "batch_uuid": "batch_uuid || '-' || :seq || '-' || i",
} | dict.fromkeys(("sent_at", "last_sent_at", "accepted_at", "settled_at"), ":at")
_LINE: Final = {
    "run_seq": ":seq",
    "ordinal": "i",
    "batch_seq": "i / :size + 1",
    "customer_no": "CAST(100000 + i AS TEXT)",
    "fingerprint": "randomblob(16)",
}


def write_ledger(path: Path, lines: int) -> None:
    """Write a ledger of 0.1.0 with about as many lines."""
    with tarfile.open(ARCHIVE) as archive, path.open("wb") as file:
        member = archive.extractfile("home/ledger.db")
        assert member is not None
        file.write(member.read())
    with closing(sqlite3.connect(path)) as sql:
        query = "SELECT r.seq FROM runs r JOIN clients c ON c.id = r.client_id WHERE c.client_no = ?"
        (template,) = sql.execute(query, [CASES["completed"]]).fetchone()
        for night in range(1, max(1, lines // CUSTOMERS) + 1):
            about = {"seq": 1_000 + night, "at": 1_700_000_000 + night * DAY, "of": template, "size": BATCH_SIZE}
            _repeat(sql, "runs", "seq = :of", _RUN, about | {"number": 1})
            _repeat(sql, "batches", "run_seq = :of AND seq = 1", _BATCH, about | {"number": CUSTOMERS // BATCH_SIZE})
            _repeat(sql, "customers", "run_seq = :of AND ordinal = 0", _LINE, about | {"number": CUSTOMERS})
            sql.commit()


def _repeat(sql: sqlite3.Connection, table: str, row: str, other: dict[str, str], values: dict[str, object]) -> None:
    """Insert a row again, `number` times, with other values in some columns."""
    columns = [name for _, name, *_ in sql.execute(f"PRAGMA table_info({table})")]
    chosen = ", ".join(other.get(name, f"t.{name}") for name in columns)
    sql.execute(f"INSERT INTO {table} {_NUMBERS} SELECT {chosen} FROM n, {table} t WHERE {row}", values)  # noqa: S608


def main() -> None:
    """Write the ledger, migrate it, and print what that took."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--lines", type=int, default=10_000_000)
    lines = options.parse_args().lines
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        write_ledger(home / "ledger.db", lines)
        before = (home / "ledger.db").stat().st_size
        env = environment(home, "http://127.0.0.1:1/arm/v1")
        armrest = str(Path(sys.executable).with_name("armrest"))
        cost, said = measured([armrest, "ledger", "migrate", "--backup", str(home / "copy.db")], env)
        after = (home / "ledger.db").stat().st_size
        with closing(sqlite3.connect(home / "ledger.db")) as sql:
            (found,) = sql.execute("SELECT count(*) FROM customers").fetchone()
            (current,) = sql.execute("SELECT count(*) FROM current_lines").fetchone()
    print(said.strip())
    print(
        f"{found:,} lines, {current:,} that count, {machine()}: {cost.cpu_seconds:.1f} s of CPU, "
        f"{cost.wall_seconds:.1f} s on the clock, {cost.peak_mb:.0f} MB of memory; "
        f"the ledger had {before / 1e6:,.0f} MB and has {after / 1e6:,.0f} MB"
    )


if __name__ == "__main__":
    main()

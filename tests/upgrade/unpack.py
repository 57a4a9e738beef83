"""Unpacks what version 0.1.0 has left behind; `make_home.py` has made it, and says how."""

import base64
import json
import sqlite3
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from armrest.sandbox import SandboxServer

ARCHIVE: Final = Path(__file__).with_name("home-0.1.0.tar.xz")

CASES: Final = {
    "completed": 2218,  # sent and settled; its tasks' results are cached
    "plan": 2219,  # a dry run that waits for apply-plan
    "paused": 2220,  # past a guard rail; its process was killed while it asked
    "failed": 2221,  # ARM has refused customer 10002
    "refused": 2224,  # ARM has refused every customer alike, so the run was stopped
    "open": 2222,  # at its deadline, ARM had accepted the batch and not finished it
    "half_sent": 2223,  # killed when ARM had accepted two of its four batches
}
"""The clients, one for each case."""


@dataclass(frozen=True)
class Case:
    """A run of 0.1.0, its flow run, and the name of the state in which that was left."""

    client_no: int
    run_id: str
    flow_run_id: str
    ended: str


def unpack(root: Path, arm: SandboxServer) -> dict[str, Case]:
    """Unpack everything into a folder, lead it to this sandbox, which gets what 0.1.0's had; return the cases.

    Prefect's database, the ledger and cached results name folders and ARM's address: placeholders of the archive that
    are replaced here. What blocks hold is encrypted, so a block still names the address of the sandbox of then.
    """
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    replaced = {"/ROOT": str(root), "http://sandbox.invalid": arm.url}
    for database in (root / "home" / "ledger.db", root / "prefect" / "prefect.db"):
        _replace_in_database(database, replaced)
    for file in (root / "prefect" / "storage").rglob("*"):
        if file.is_file():
            _replace_in_file(file, replaced)
    _fill(arm, json.loads((root / "arm.json").read_text()))
    cases = json.loads((root / "cases.json").read_text())
    return {name: Case(client_no=CASES[name], **case) for name, case in cases.items()}


def _replace_in_database(database: Path, replaced: Mapping[str, str]) -> None:
    sql = sqlite3.connect(database, isolation_level=None)
    for (table,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = sql.execute(f'PRAGMA table_xinfo("{table}")').fetchall()
        for column in [row[1] for row in columns if row[6] == 0]:  # the others are computed
            for old, new in replaced.items():
                change = f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?)'
                sql.execute(f'{change} WHERE typeof("{column}") = \'text\' AND instr("{column}", ?)', (old, new, old))
    sql.close()


def _replace_in_file(file: Path, replaced: Mapping[str, str]) -> None:
    content = file.read_bytes()
    for old, new in replaced.items():
        content = content.replace(old.encode(), new.encode())
    file.write_bytes(content)


def _fill(arm: SandboxServer, held: dict[str, Any]) -> None:
    """Give the sandbox the customers and the open batches, under the batchUuids of then."""
    for client_no, customers in held["customers"].items():
        arm.records.load(int(client_no), customers)
    entropy = arm.records._entropy
    for batch in held["open_batches"]:
        uuid = base64.urlsafe_b64decode(f"{batch['batch_uuid']}==")
        arm.records._entropy = lambda _, uuid=uuid: uuid  # type: ignore[misc]
        arm.records.store_batch(batch["client_no"], batch["method"], base64.b64decode(batch["body"]))
    arm.records._entropy = entropy

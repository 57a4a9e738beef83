from armrest.outbox.ledger.backup import back_up, integrity_errors
from armrest.outbox.ledger.bulk_insert import insert_in_bulk
from armrest.outbox.ledger.group_commit import GroupCommit
from armrest.outbox.ledger.ledger import Ledger
from armrest.outbox.ledger.schema import (
    attempts,
    batches,
    clients,
    confirmations,
    customers,
    flow_runs,
    rejects,
    runs,
    shards,
)

__all__ = [
    "GroupCommit",
    "Ledger",
    "attempts",
    "back_up",
    "batches",
    "clients",
    "confirmations",
    "customers",
    "flow_runs",
    "insert_in_bulk",
    "integrity_errors",
    "rejects",
    "runs",
    "shards",
]

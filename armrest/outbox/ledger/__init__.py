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
    "batches",
    "clients",
    "confirmations",
    "customers",
    "flow_runs",
    "insert_in_bulk",
    "rejects",
    "runs",
    "shards",
]

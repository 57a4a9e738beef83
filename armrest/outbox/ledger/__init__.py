from armrest.outbox.ledger.batch_states import CLOSED, DONE, OPEN, SENDABLE, UNFINISHED, State
from armrest.outbox.ledger.bulk_insert import insert_in_bulk
from armrest.outbox.ledger.current import (
    LONGEST_DOUBT_SECONDS,
    BatchLines,
    carried_by,
    drop_covered,
    drop_superseded,
    enter_lines,
    key_of,
    pointed_to_by,
)
from armrest.outbox.ledger.current_check import (
    CurrentLinesDifferences,
    differences_of_current_lines,
    rebuild_current_lines,
)
from armrest.outbox.ledger.group_commit import GroupCommit
from armrest.outbox.ledger.ledger import Ledger
from armrest.outbox.ledger.schema import (
    attempts,
    batches,
    clients,
    confirmations,
    current_lines,
    customers,
    flow_runs,
    rejects,
    runs,
    shards,
)

__all__ = [
    "CLOSED",
    "DONE",
    "LONGEST_DOUBT_SECONDS",
    "OPEN",
    "SENDABLE",
    "UNFINISHED",
    "BatchLines",
    "CurrentLinesDifferences",
    "GroupCommit",
    "Ledger",
    "State",
    "attempts",
    "batches",
    "carried_by",
    "clients",
    "confirmations",
    "current_lines",
    "customers",
    "differences_of_current_lines",
    "drop_covered",
    "drop_superseded",
    "enter_lines",
    "flow_runs",
    "insert_in_bulk",
    "key_of",
    "pointed_to_by",
    "rebuild_current_lines",
    "rejects",
    "runs",
    "shards",
]

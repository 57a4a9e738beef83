from armrest.outbox.ledger.archive import (
    ROWS_A_PIECE,
    ArchivedLine,
    add_piece,
    archived_attempts,
    archived_lines,
    archived_of_customer,
    archived_rejects,
    columns_of,
)
from armrest.outbox.ledger.archive import Kind as ArchiveKind
from armrest.outbox.ledger.backup import back_up, integrity_errors
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
    archived,
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
    "ROWS_A_PIECE",
    "SENDABLE",
    "UNFINISHED",
    "ArchiveKind",
    "ArchivedLine",
    "BatchLines",
    "CurrentLinesDifferences",
    "GroupCommit",
    "Ledger",
    "State",
    "add_piece",
    "archived",
    "archived_attempts",
    "archived_lines",
    "archived_of_customer",
    "archived_rejects",
    "attempts",
    "back_up",
    "batches",
    "carried_by",
    "clients",
    "columns_of",
    "confirmations",
    "current_lines",
    "customers",
    "differences_of_current_lines",
    "drop_covered",
    "drop_superseded",
    "enter_lines",
    "flow_runs",
    "insert_in_bulk",
    "integrity_errors",
    "key_of",
    "pointed_to_by",
    "rebuild_current_lines",
    "rejects",
    "runs",
    "shards",
]

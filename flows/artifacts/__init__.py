from flows.artifacts.answers import (
    customer_markdown,
    export_markdown,
    inbox_rows,
    when,
    worker_markdown,
    write_answer,
    write_table,
)
from flows.artifacts.assets import emit_materialization
from flows.artifacts.events import (
    ASKS,
    CLIENTS,
    EVENT,
    NIGHT,
    NIGHTLY,
    clients_label,
    emit_asks,
    emit_night,
    emit_nightly,
    emit_open_too_long,
)
from flows.artifacts.healings import unresolved_customers
from flows.artifacts.last_line import ENDED, note_end
from flows.artifacts.outage import Outage
from flows.artifacts.outcome import outcome_line, reasons_line
from flows.artifacts.report import is_stand_in, report_once, reporting
from flows.artifacts.settled_later import crashed_after_the_end, report_later
from flows.artifacts.store import Artifacts
from flows.artifacts.summary import question_markdown
from flows.artifacts.sweep_text import sweep_markdown
from flows.artifacts.waiting_runs import WaitingRun, read_waiting_runs

__all__ = [
    "ASKS",
    "CLIENTS",
    "ENDED",
    "EVENT",
    "NIGHT",
    "NIGHTLY",
    "Artifacts",
    "Outage",
    "WaitingRun",
    "clients_label",
    "crashed_after_the_end",
    "customer_markdown",
    "emit_asks",
    "emit_materialization",
    "emit_night",
    "emit_nightly",
    "emit_open_too_long",
    "export_markdown",
    "inbox_rows",
    "is_stand_in",
    "note_end",
    "outcome_line",
    "question_markdown",
    "read_waiting_runs",
    "reasons_line",
    "report_later",
    "report_once",
    "reporting",
    "sweep_markdown",
    "unresolved_customers",
    "when",
    "worker_markdown",
    "write_answer",
    "write_table",
]

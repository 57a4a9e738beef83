from flows.artifacts.answers import (
    customer_markdown,
    export_markdown,
    inbox_rows,
    when,
    worker_markdown,
    write_answer,
    write_table,
)
from flows.artifacts.events import EVENT, emit_open_too_long
from flows.artifacts.outage import Outage
from flows.artifacts.report import is_stand_in, report_once, reporting
from flows.artifacts.settled_later import report_later
from flows.artifacts.store import Artifacts
from flows.artifacts.summary import plan_markdown
from flows.artifacts.sweep_text import sweep_markdown
from flows.artifacts.waiting_runs import WaitingRun, read_waiting_runs

__all__ = [
    "EVENT",
    "Artifacts",
    "Outage",
    "WaitingRun",
    "customer_markdown",
    "emit_open_too_long",
    "export_markdown",
    "inbox_rows",
    "is_stand_in",
    "plan_markdown",
    "read_waiting_runs",
    "report_later",
    "report_once",
    "reporting",
    "sweep_markdown",
    "when",
    "worker_markdown",
    "write_answer",
    "write_table",
]

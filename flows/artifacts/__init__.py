from flows.artifacts.events import EVENT, emit_open_too_long
from flows.artifacts.report import best_effort, report_once, reporting
from flows.artifacts.settled_later import update_flow_runs
from flows.artifacts.store import Artifacts
from flows.artifacts.summary import plan_markdown
from flows.artifacts.sweep_text import sweep_markdown

__all__ = [
    "EVENT",
    "Artifacts",
    "best_effort",
    "emit_open_too_long",
    "plan_markdown",
    "report_once",
    "reporting",
    "sweep_markdown",
    "update_flow_runs",
]

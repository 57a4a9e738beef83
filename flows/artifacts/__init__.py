from flows.artifacts.assets import emit_materialization
from flows.artifacts.events import EVENT, emit_open_too_long
from flows.artifacts.outage import Outage
from flows.artifacts.report import is_stand_in, report_once, reporting
from flows.artifacts.settled_later import report_later
from flows.artifacts.store import Artifacts
from flows.artifacts.summary import plan_markdown
from flows.artifacts.sweep_text import sweep_markdown

__all__ = [
    "EVENT",
    "Artifacts",
    "Outage",
    "emit_materialization",
    "emit_open_too_long",
    "is_stand_in",
    "plan_markdown",
    "report_later",
    "report_once",
    "reporting",
    "sweep_markdown",
]

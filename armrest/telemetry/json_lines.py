"""The log as JSON lines on stderr: one event a line. docs/monitoring.md lists the events and their members."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

from armrest.telemetry.steps import current_step, events

EVENTS: Final = ("log", "run", "plan", "batch", "poll")
OURS: Final = ("armrest", "flows", "armrest_events")
ENDS_OF_THE_TREE: Final = ("", *OURS, "prefect", "prefect.flow_runs", "prefect.task_runs")
"""The root, and loggers that may not pass their records on to it."""

OF_THE_STEP: Final = ("client_no", "run_id", "batch")
PREFECTS_CONSOLE: Final = "PrefectConsoleHandler"


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: time, level, event, and what the event has.

    Of an exception, only its name is written: its text may quote what it could not read.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        event = getattr(record, "event", "log")
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": event,
        }
        if event == "log":
            around = current_step().values
            line |= {"logger": record.name, "message": record.getMessage()}
            line |= {name: around[name] for name in OF_THE_STEP if name in around}
            if record.exc_info and record.exc_info[0]:
                line["error"] = record.exc_info[0].__name__
        else:
            line |= getattr(record, "values", {})
        return json.dumps(line, ensure_ascii=False, default=str)


class _ToStderr(logging.StreamHandler[Any]):
    """Writes to whatever stderr is at the time."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def log_as_json() -> None:
    """Write the log of this process to stderr as JSON lines, in place of Prefect's lines; safe to repeat."""
    for name in ENDS_OF_THE_TREE:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if type(handler).__name__ == PREFECTS_CONSOLE:
                logger.removeHandler(handler)
        is_end = logger.parent is None or not logger.propagate
        if is_end and not any(isinstance(handler, _ToStderr) for handler in logger.handlers):
            logger.addHandler(_ToStderr())
        if name in OURS and logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
    events.setLevel(logging.INFO)

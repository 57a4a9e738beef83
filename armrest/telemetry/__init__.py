"""What a run does, for monitoring: spans and metrics of OpenTelemetry, and events as JSON lines. No personal data."""

from armrest.telemetry.exporters import flush_telemetry, start_telemetry
from armrest.telemetry.instruments import record_call, record_customers
from armrest.telemetry.json_lines import EVENTS, JsonLines, log_as_json
from armrest.telemetry.steps import Step, begin_step, current_step, inside, step

__all__ = [
    "EVENTS",
    "JsonLines",
    "Step",
    "begin_step",
    "current_step",
    "flush_telemetry",
    "inside",
    "log_as_json",
    "record_call",
    "record_customers",
    "start_telemetry",
    "step",
]

from flows.steps.approval import needs_approval, send_if_approved
from flows.steps.dispatch_shards import REFUSED_BY_ARM
from flows.steps.drift_state import DRIFT, Sample, drift_message, verify_sample_of_run
from flows.steps.left_behind import carry_on, note_stopped_runs, start_again
from flows.steps.refusal import REFUSED, explained, refused
from flows.steps.send_run import end_state, run_to_completion, send_plan, send_slices
from flows.steps.sigterm import cancelled_by_sigterm, flow_run_id, noting_stop, stoppable
from flows.steps.stopped_by import who_stopped

__all__ = [
    "DRIFT",
    "REFUSED",
    "REFUSED_BY_ARM",
    "Sample",
    "cancelled_by_sigterm",
    "carry_on",
    "drift_message",
    "end_state",
    "explained",
    "flow_run_id",
    "needs_approval",
    "note_stopped_runs",
    "noting_stop",
    "refused",
    "run_to_completion",
    "send_if_approved",
    "send_plan",
    "send_slices",
    "start_again",
    "stoppable",
    "verify_sample_of_run",
    "who_stopped",
]

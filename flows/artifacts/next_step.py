"""What a person may start after a run: the summary links to its form, and so does the end of the run's log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from armrest.outbox import RunState, RunSummary


@dataclass(frozen=True, slots=True)
class NextStep:
    """A flow to start, with its parameters, and the command that does the same."""

    title: str
    command: str
    flow: str
    parameters: Mapping[str, Any]


def next_step(run: RunSummary, *, unresolved: int | None, is_rerun: bool) -> NextStep | None:
    """Return what may be started next; None if there is nothing to start, or something else has to be done first.

    Args:
        unresolved: How many refused customers a rerun would send again; None: their data was purged.
        is_rerun: Whether a rerun of the run has sent its refused customers again.
    """
    if run.state.advice:
        return None
    if run.state is RunState.PLANNED:
        return apply_step(run)
    if run.can_be_resumed:
        return NextStep("Resume the run", f"armrest resume {run.run_id}", "resume-run", {"run_id": run.run_id})
    has_been_sent_again = not unresolved and is_rerun
    if run.customers.failed and unresolved is not None and not has_been_sent_again:
        return NextStep(
            "Send the failed customers again",
            f"armrest rerun {run.run_id}",
            "rerun-failed-batches",
            {"run_id": run.run_id, "client_no": run.client_no},
        )
    return None


def apply_step(run: RunSummary) -> NextStep:
    """Return how to send a plan."""
    return NextStep("Send the plan as it is", f"armrest apply {run.run_id}", "apply-plan", {"plan_id": run.run_id})

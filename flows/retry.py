"""What Prefect's button Retry does on a run that has ended: it sends the failed customers again."""

from collections.abc import Awaitable
from typing import Any, cast

from prefect import Flow, runtime
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.browser_words import browser_words
from armrest.app.open_run import find_run_of_flow_run
from armrest.app.rerun_selection import select_for_rerun
from armrest.app.workspace import Workspace
from armrest.outbox import Run, RunState, summary
from flows.steps import run_to_completion


async def continue_run(workspace: Workspace, run: Run, *, rerun: Flow[..., Any], deadline: str, wait: str) -> State:
    """Continue the run of this flow run; if it had ended, send its refused customers again in a new run.

    Only a person retries a flow run: our flows set no retries, and the automations start other flow runs.

    Args:
        rerun: The flow rerun-failed-batches.
    """
    ended = summary(workspace.outbox.ledger, run.run_id)
    is_over = ended.state is RunState.PARTLY_FAILED and not ended.can_be_resumed
    if not is_over or runtime.flow_run.run_count <= 1:
        return await run_to_completion(workspace, run, deadline=deadline, wait=wait)
    if not select_for_rerun(workspace, run_id=run.run_id, batch_uuids=(), client_no=None, only="all"):
        message = f"nothing is left to be sent again of run {run.run_id}: {browser_words(ended.message)}"
        return Completed(message=message)
    parameters = {"run_id": run.run_id, "deadline": deadline, "wait": wait}
    state = await cast("Awaitable[State]", rerun(**parameters, return_state=True))
    own = find_run_of_flow_run(workspace, str(state.state_details.flow_run_id))
    message = f"sent again in run {own.run_id}: {state.message}" if own else f"not sent again: {state.message}"
    return Completed(message=message) if state.is_completed() else Failed(name=state.name, message=message)

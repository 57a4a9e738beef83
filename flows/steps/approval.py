"""Approval past a guard rail: shows the plan, and a person decides in the Prefect UI whether to send it."""

import asyncio
from typing import Final, Literal

from prefect.client.schemas import State
from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from prefect.states import Failed
from pydantic import Field

from armrest.app.browser_words import browser_words
from armrest.app.durations import seconds_in
from armrest.app.open_run import apply_command, confirm_if_approved, reasons_to_ask
from armrest.app.plan_view import plan_view
from armrest.app.workspace import Workspace
from armrest.outbox import Decision, Run, RunState, UpdateRequest, decision_on, find_run, record_decision, summary
from flows.artifacts import emit_asks, question_markdown, report_once
from flows.steps.send_run import end_state, run_to_completion, send_plan
from flows.steps.sigterm import flow_run_id, reporting_stop

SERVER_TIMEOUT_MARGIN_SECONDS: Final = 600
"""The server's own time-out comes later than ours; it would give the flow run another state."""
POLL_INTERVAL_SECONDS: Final = 5


class Approval(RunInput):
    """A person's decision on a plan; there is no default, so an empty form is not an answer."""

    decision: Literal["approve", "refuse"] = Field(description="Should this plan be sent?")
    decided_by: str = Field(
        min_length=2, max_length=60, description="Who decides: your user name or initials, which the ledger stores."
    )


def needs_approval(run: Run) -> bool:
    """Return whether a run waits for a person's decision, or has got one."""
    return isinstance(run.request, UpdateRequest) and run.request.needs_approval


async def send_if_approved(workspace: Workspace, plan: Run, *, within: str, deadline: str, wait: str) -> State:
    """Show a plan, wait for a decision, and send the plan unchanged if it is approved; otherwise it stays a plan."""
    await run_to_completion(workspace, plan, deadline=deadline, wait=wait)
    run = summary(workspace.outbox.ledger, plan.run_id)
    if run.state is not RunState.PLANNED:
        return end_state(run)
    async with reporting_stop(workspace, plan):
        decision = decision_on(plan) or await _decided(workspace, plan, within)
    if not decision.approved:
        await report_once(workspace.outbox, find_run(workspace.outbox.ledger, plan.run_id), flow_run_id())
        why, command = reasons_to_ask(workspace, plan), apply_command(workspace, plan)
        message = f"{why}; {decision.message}; to send it later: `{command}`"
        return Failed(name="NotApproved", message=browser_words(message))
    confirm_if_approved(workspace, plan, decision)
    return await send_plan(workspace, find_run(workspace.outbox.ledger, plan.run_id), deadline=deadline, wait=wait)


async def _decided(workspace: Workspace, plan: Run, within: str) -> Decision:
    """Ask, and record the decision. Silence counts as a rejection, recorded as made by nobody."""
    answer = await _answer(workspace, plan, within)
    if answer is None:
        return record_decision(workspace.outbox.ledger, plan, approved=False, by=f"nobody within {within}")
    return record_decision(workspace.outbox.ledger, plan, approved=answer.decision == "approve", by=answer.decided_by)


async def _answer(workspace: Workspace, plan: Run, within: str) -> Approval | None:
    """Pause, with the plan's figures above the form; after a retry, Prefect returns None for any answer."""
    reason = reasons_to_ask(workspace, plan)
    question = question_markdown(reason, plan_view(workspace.outbox, plan.run_id))
    form = Approval.with_initial_data(description=question)
    emit_asks(run_id=plan.run_id, client_no=plan.client_no, flow_run_id=flow_run_id(), question=question, within=within)
    seconds = seconds_in(within)
    pause = apause_flow_run(
        wait_for_input=form, timeout=int(seconds) + SERVER_TIMEOUT_MARGIN_SECONDS, poll_interval=POLL_INTERVAL_SECONDS
    )
    try:
        return await asyncio.wait_for(pause, seconds)
    except TimeoutError:
        return None

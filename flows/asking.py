"""What a guard rail has refused is shown as a plan, and a person decides in the Prefect UI whether it is sent."""

import asyncio
from typing import Final, Literal

from prefect.client.schemas import State
from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from prefect.states import Failed
from pydantic import Field

from armrest.outbox import Run, find_run, plan_figures, summary
from flows.apply_plan import send_plan
from flows.sending import end_state, see_through
from tasks.connection import Connection
from tasks.durations import seconds_in
from tasks.plan_view import plan_view
from tasks.summary import plan_markdown

ANSWER_WITHIN: Final = "12h"
SERVERS_MARGIN_SECONDS: Final = 600
"""The server's own time-out comes later than ours: it would end the flow run under a name of its own."""
LOOK_SECONDS: Final = 5


class Decision(RunInput):
    """What a person says to a plan; there is no default, so that an empty form is no answer."""

    decision: Literal["send", "do not send"] = Field(description="Is this plan to be sent?")


def is_to_be_asked(run: Run) -> bool:
    """Tell whether a run waits for somebody's decision."""
    return bool(run.request.get("dry_run") and run.request.get("asks_because"))


def went_past_a_rail(here: Connection, run: Run) -> bool:
    """Tell whether it was a guard rail that refused a run."""
    return plan_figures(here.outbox.ledger, run).past_rail is not None


async def send_if_approved(here: Connection, plan: Run, *, ask: str, deadline: str, wait: str) -> State:
    """Show a plan, wait for a decision, and send it byte for byte where that is wished; otherwise it stays a plan."""
    await see_through(here, plan, deadline=deadline, wait=wait)
    told = summary(here.outbox.ledger, plan.run_id)
    if told.state != "Planned":
        return end_state(told)
    why = plan.request["asks_because"]
    if not await _approved(f"{why}\n\n{plan_markdown(told, plan_view(here.outbox, plan.run_id))}", seconds_in(ask)):
        return Failed(
            name="NotApproved", message=f"{why}; nobody let it pass: `armrest apply {plan.run_id}` sends it still"
        )
    return await send_plan(here, find_run(here.outbox.ledger, plan.run_id), deadline=deadline, wait=wait)


async def _approved(description: str, seconds: float) -> bool:
    """Ask, and take nothing but a clear yes for one: after a retry, Prefect gives None for any answer."""
    form = Decision.with_initial_data(description=description)
    pause = apause_flow_run(
        wait_for_input=form, timeout=int(seconds) + SERVERS_MARGIN_SECONDS, poll_interval=LOOK_SECONDS
    )
    try:
        answer = await asyncio.wait_for(pause, seconds)
    except TimeoutError:
        return False
    return getattr(answer, "decision", None) == "send"

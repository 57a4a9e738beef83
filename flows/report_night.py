"""The flow `report-night`: one message about the last night, client by client."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_UI_URL
from prefect.states import Completed

from armrest.app.browser_words import browser_words
from armrest.app.durations import Duration, seconds_in
from armrest.app.night import MOST_REPEATED, ClientNight, DueRun, client_night, missed_night, night_subject, night_text
from armrest.outbox import Ledger, repeated_refusals, run_of_flow_run, summary
from flows.artifacts import Artifacts, emit_night, unresolved_customers
from flows.parameters import ClientNo
from flows.steps import explained, flow_run_id
from tasks.open_workspace import use_workspace

NIGHTLY: Final = "update-customers/nightly"
CLIENT: Final = "client_no"


@flow(name="report-night", flow_run_name="the night of all clients", retries=0)
@explained
async def report_night(within: Duration = "24h", groups: tuple[tuple[ClientNo, ...], ...] = ()) -> State:
    """Report how the night went, in one message with a line for each client.

    The message names the clients that were updated, those with nothing to do, those that were refused and why, those
    that are still open, and those whose run is late or was never created. Customers that ARM refuses every night are
    named by number. If no nightly schedule is on, there is no message.

    Args:
        within: How far back the night begins (24h).
        groups: Clients that get a message of their own, for recipients who get notices about these only.
            It is filled in from ARMREST_NOTIFY_BLOCK when the flow is deployed.
    """
    with use_workspace() as workspace:
        now = datetime.fromtimestamp(workspace.outbox.ledger.now(), UTC)
        async with get_client() as client:
            nights = await _nights(client, workspace.outbox.ledger, now=now, seconds=seconds_in(within))
            if not nights:
                return Completed(message=f"no schedule of {NIGHTLY} is on, and none of its runs was due")
            ui = (PREFECT_UI_URL.value() or "").rstrip("/")
            subject, text = night_subject(nights, now), night_text(nights, ui=ui)
            await Artifacts(client, flow_run_id()).markdown("arm-night", f"# {subject}\n\n```\n{text}\n```\n", subject)
    emit_night(now, subject=subject, text=text)
    for group in groups:
        own = [night for night in nights if night.client_no in group]
        if own:
            emit_night(now, subject=night_subject(own, now), text=night_text(own, ui=ui), clients=group)
    return Completed(message=subject)


async def _nights(client: PrefectClient, ledger: Ledger, *, now: datetime, seconds: float) -> list[ClientNight]:
    """Return the night of each client that has a schedule, or a run that was due."""
    try:
        nightly = await client.read_deployment_by_name(NIGHTLY)
    except ObjectNotFound:
        return []
    due = await _due_runs(client, nightly, after=now - timedelta(seconds=seconds), before=now)
    nights = [await asyncio.to_thread(_night, ledger, flow_run) for flow_run in due]
    missing = _expected_clients(nightly) - {night.client_no for night in nights}
    return [*nights, *(missed_night(client_no) for client_no in missing)]


def _night(ledger: Ledger, flow_run: FlowRun) -> ClientNight:
    state = flow_run.state
    due = DueRun(
        flow_run_id=str(flow_run.id),
        state_type=state.type.value if state else "SCHEDULED",
        state=(state.name or "") if state else "",
        message=browser_words(state.message or "") if state else "",
    )
    client_no = int(flow_run.parameters[CLIENT])
    run = run_of_flow_run(ledger, due.flow_run_id)
    if run is None:
        return client_night(client_no, due, None)
    return client_night(
        client_no,
        due,
        summary(ledger, run.run_id),
        repeated=repeated_refusals(ledger, run, most=MOST_REPEATED),
        unresolved=unresolved_customers(ledger, run) or 0,
    )


async def _due_runs(
    client: PrefectClient, nightly: DeploymentResponse, *, after: datetime, before: datetime
) -> list[FlowRun]:
    """Return the last due run of each client and source; a run that was started again replaces the first one."""
    flow_runs = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[nightly.id])),
        flow_run_filter=FlowRunFilter(expected_start_time=FlowRunFilterExpectedStartTime(after_=after, before_=before)),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
    return list({_of(run.parameters): run for run in flow_runs if run.parameters.get(CLIENT)}.values())


def _of(parameters: Mapping[str, Any]) -> tuple[str, str]:
    return str(parameters.get(CLIENT)), str(parameters.get("source"))


def _expected_clients(nightly: DeploymentResponse) -> set[int]:
    """Return the clients of the schedules that are on."""
    if nightly.paused:
        return set()
    own = [{**nightly.parameters, **schedule.parameters} for schedule in nightly.schedules if schedule.active]
    return {int(parameters[CLIENT]) for parameters in own if parameters.get(CLIENT)}

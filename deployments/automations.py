"""Automations: notify people when something fails, and resume runs that were killed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture

from armrest.app.environment import environment_settings
from deployments.earlier_versions import TAG, remove_earlier_automations
from deployments.local_stack import POOL
from deployments.notices import (
    BEGUN,
    ENDINGS,
    FLOW_RUNS,
    TAGGED,
    limited_night_automations,
    not_begun,
    notification_automations,
)
from deployments.recipients import NOTIFY_BLOCK, Recipient, named_recipients, placeholder
from flows.artifacts import ENDED
from flows.cli.ui_address import describe_ui, ui_address
from flows.deployment_names import NIGHTLY, REPORT_NIGHT, RESUME, SWEEP

SILENCE: Final = timedelta(seconds=90)
"""Three heartbeats: a killed run is marked within two minutes."""
LAPSE_MARGIN_SECONDS: Final = 10
WAIT_FOR_WORKERS: Final = "35m"
"""The workers of a sharded run outlive its own process, and hold the client until they are done: half an hour at most,
unless it was given a longer `deadline`. Elsewhere the client is free a minute after the crash."""
CARRIED_ON: Final = ("update-customers", "apply-plan", "rerun-failed-batches")
"""Flows whose crashed runs are resumed automatically; if the resume crashes too, a person must check it."""


async def create_automations() -> str:
    """Create or update the automations, and remove those of earlier versions; return what was done, in a line.

    Automations that need an address are off until there is one. What a user has switched on or off stays so.

    Raises:
        NoSuchBlock: A block that ARMREST_NOTIFY_BLOCK names does not exist.
    """
    async with get_client() as client:
        recipients = await named_recipients(client)
        everything = [recipient.block_id for recipient in recipients if not recipient.clients]
        limited = [recipient for recipient in recipients if recipient.clients]
        resume = await client.read_deployment_by_name(RESUME)
        nightly = await client.read_deployment_by_name(NIGHTLY)
        settings = environment_settings()
        notices = notification_automations(
            everything or [await placeholder(client)],
            ui=ui_address(),
            on=bool(everything),
            nightly=nightly.id,
            late_seconds=settings.late_seconds,
            missed_night_seconds=settings.missed_night_seconds,
        )
        sweep = await client.read_deployment_by_name(SWEEP)
        waiting = waiting_automations(
            sweep.id, late_seconds=settings.late_seconds, lease_seconds=settings.lease_seconds
        )
        nights = limited_night_automations(limited)
        await _tell_night_apart(client, limited)
        automations = (*recovery_automations(resume.id), *waiting, *notices, *nights)
        for automation in automations:
            await _create_or_update(client, automation.model_copy(update={"tags": [TAG]}))
        removed = await remove_earlier_automations(client, {automation.name for automation in automations})
    status = f"on, and lead to {describe_ui()}" if everything else _why_off(limited)
    gone = f"; removed, of an earlier version or setting: {', '.join(removed)}" if removed else ""
    return f"Automations: killed runs are resumed; notifications are {status}{gone}"


def _why_off(limited: Sequence[Recipient]) -> str:
    if limited:
        return f"off, except for the night of some clients: name a block without clients in {NOTIFY_BLOCK}"
    return f"off: name a block in {NOTIFY_BLOCK}"


async def _tell_night_apart(client: PrefectClient, limited: Sequence[Recipient]) -> None:
    """Have report-night write a message of its own for each group of clients that somebody is limited to."""
    report = await client.read_deployment_by_name(REPORT_NIGHT)
    groups = sorted({recipient.clients for recipient in limited})
    parameters = {**report.parameters, "groups": groups}
    await client.update_deployment(report.id, DeploymentUpdate(parameters=parameters))


def recovery_automations(resume_run: UUID) -> tuple[AutomationCore, ...]:
    """Return the automations that mark a killed run, and that resume it."""
    killed = AutomationCore(
        name="arm: a killed run is marked Crashed",
        description="A run whose process has been silent for 90 seconds is dead: it is marked Crashed.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            # our own event comes from the run's process: Prefect's of the final state may overtake the last heartbeat
            expect={"prefect.flow-run.heartbeat", ENDED, *(f"prefect.flow-run.{name}" for name in ENDINGS)},
            match={"prefect.resource.id": FLOW_RUNS},
            match_related=[TAGGED],
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[
            ChangeFlowRunState(state=StateType.CRASHED, message="its process has been silent for 90 s: it was killed")
        ],
    )
    crashed = AutomationCore(
        name="arm: a crashed run is carried on",
        description="Resumes a crashed run once, unless a person stopped it. Nothing is sent twice.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Crashed"},
            match={"prefect.resource.id": FLOW_RUNS},
            match_related=[
                TAGGED,
                {"prefect.resource.role": "flow", "prefect.resource.name": list(CARRIED_ON)},
            ],
            for_each={"prefect.resource.id"},
        ),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=resume_run,
                parameters={
                    "run_id": _template("{{ flow_run.id }}"),
                    "wait": WAIT_FOR_WORKERS,
                    "by_itself": True,
                },
            )
        ],
    )
    return killed, crashed


def waiting_automations(sweep: UUID, *, late_seconds: float, lease_seconds: float) -> tuple[AutomationCore, ...]:
    """Return the automations about runs that do not begin, or that a machine stopped.

    Args:
        late_seconds: How long a run may be pending.
        lease_seconds: A lease that a dead machine held lapses after this; the sweep comes just after it.
    """
    pending = AutomationCore(
        name="arm: a run that does not begin is marked Crashed",
        description="A worker has taken a run, and the run has not begun: its worker died. It is started again, once.",
        trigger=not_begun({"Pending", "Submitting"}, {*ENDINGS, *BEGUN}, seconds=late_seconds),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"it did not begin within {late_seconds:.0f} s after a worker took it: the worker died",
            )
        ],
    )
    returned = AutomationCore(
        name="arm: a worker that returns carries on",
        description="When a worker starts, settle-open-batches resumes the runs that a machine stopped.",
        trigger=EventTrigger(
            expect={"prefect.worker.started"},
            match={"prefect.resource.id": "prefect.worker.*"},
            match_related=[{"prefect.resource.role": "work-pool", "prefect.resource.name": POOL}],
        ),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=sweep,
                schedule_after=timedelta(seconds=lease_seconds + LAPSE_MARGIN_SECONDS),
            )
        ],
    )
    return pending, returned


def _template(text: str) -> dict[str, str]:
    """Return a parameter that Prefect fills in when the automation runs."""
    return {"__prefect_kind": "jinja", "template": text}


async def _create_or_update(client: PrefectClient, automation: AutomationCore) -> None:
    """Create or update an automation; it stays on or off, unless its address has changed."""
    existing = await client.read_automations_by_name(automation.name)
    if not existing:
        await client.create_automation(automation)
        return
    same_address = _addresses(existing[0]) == _addresses(automation)
    automation = automation.model_copy(update={"enabled": existing[0].enabled if same_address else automation.enabled})
    if _content(existing[0]) != _content(automation):  # an update loses its events, such as those of a run just killed
        # the client omits what was not set, and so loses the types of triggers and actions: here all is set
        await client.update_automation(
            existing[0].id, AutomationCore(**automation.model_dump(exclude={"owner_resource"}))
        )


def _content(automation: Automation | AutomationCore) -> dict[str, Any]:
    return automation.model_dump(include={"description", "enabled", "tags", "trigger", "actions"})


def _addresses(automation: Automation | AutomationCore) -> list[UUID]:
    return [action.block_document_id for action in automation.actions if isinstance(action, SendNotification)]

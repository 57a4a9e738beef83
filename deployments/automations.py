"""Automations: notify people when something fails, and resume runs that were killed."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.actions import ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from armrest.app.environment import environment_settings
from deployments.earlier_versions import TAG, remove_earlier_automations
from deployments.local_stack import POOL
from deployments.notices import BEGUN, ENDINGS, FLOW_RUNS, TAGGED, not_begun, notification_automations
from flows.artifacts import ENDED
from flows.cli.ui_address import describe_ui, ui_address
from flows.deployment_names import NIGHTLY, RESUME, SWEEP

NOTIFY_BLOCK: Final = "ARMREST_NOTIFY_BLOCK"
"""The blocks that send notifications, by type and name: `slack-webhook/accounting,email-server/ola`."""
NO_ADDRESS: Final = "https://notify.invalid/"
PLACEHOLDER: Final = ("custom-webhook", "armrest-notify")

SILENCE: Final = timedelta(seconds=90)
"""Three heartbeats: a killed run is marked within two minutes."""
LAPSE_MARGIN_SECONDS: Final = 10
WAIT_FOR_WORKERS: Final = "35m"
"""The workers of a sharded run outlive its own process, and hold the client until they are done: half an hour at most,
unless it was given a longer `deadline`. Elsewhere the client is free a minute after the crash."""
CARRIED_ON: Final = ("update-customers", "apply-plan", "rerun-failed-batches")
"""Flows whose crashed runs are resumed automatically; if the resume crashes too, a person must check it."""


class NoSuchBlock(LookupError):
    """The block for notifications does not exist; the message says in one line what to do."""


async def create_automations() -> str:
    """Create or update the automations, and remove those of earlier versions; return what was done, in a line.

    Automations that need an address are off until there is one. What a user has switched on or off stays so.

    Raises:
        NoSuchBlock: The block that ARMREST_NOTIFY_BLOCK names does not exist.
    """
    async with get_client() as client:
        blocks, has_address = await _notification_blocks(client)
        resume = await client.read_deployment_by_name(RESUME)
        nightly = await client.read_deployment_by_name(NIGHTLY)
        settings = environment_settings()
        notices = notification_automations(
            blocks,
            ui=ui_address(),
            on=has_address,
            nightly_on=_is_scheduled(nightly),
            late_seconds=settings.late_seconds,
        )
        sweep = await client.read_deployment_by_name(SWEEP)
        waiting = waiting_automations(
            sweep.id, late_seconds=settings.late_seconds, lease_seconds=settings.lease_seconds
        )
        automations = (*recovery_automations(resume.id), *waiting, *notices)
        for automation in automations:
            await _create_or_update(client, automation.model_copy(update={"tags": [TAG]}))
        removed = await remove_earlier_automations(client, {automation.name for automation in automations})
    status = f"on, and lead to {describe_ui()}" if has_address else f"off: name a block in {NOTIFY_BLOCK}"
    gone = f"; removed, of an earlier version: {', '.join(removed)}" if removed else ""
    return f"Automations: killed runs are resumed; notifications are {status}{gone}"


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


def _is_scheduled(deployment: DeploymentResponse) -> bool:
    return not deployment.paused and any(schedule.active for schedule in deployment.schedules)


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


async def _notification_blocks(client: PrefectClient) -> tuple[list[UUID], bool]:
    """Return the blocks that send notifications, and whether they have an address.

    If none is named, it is a webhook whose address a user can fill in in the UI.

    Raises:
        NoSuchBlock: A block that ARMREST_NOTIFY_BLOCK names does not exist.
    """
    blocks: list[UUID] = []
    for name in filter(None, os.environ.get(NOTIFY_BLOCK, "").replace(" ", "").split(",")):
        kind, _, block = name.partition("/")
        named = await _block_id(client, kind, block)
        if named is None:
            raise NoSuchBlock(
                f"{NOTIFY_BLOCK}: the block {name} does not exist: create it in Prefect's UI under Blocks"
            )
        blocks.append(named)
    if blocks:
        return blocks, True
    block_id = await _block_id(client, *PLACEHOLDER)
    if block_id is None:
        webhook = CustomWebhookNotificationBlock(name="armrest", url=NO_ADDRESS, json_data=_MESSAGE)
        block_id = await webhook.save(PLACEHOLDER[1])
    return [block_id], False


_MESSAGE: Final[Mapping[str, Any]] = {"text": "{{subject}}\n{{body}}"}


async def _block_id(client: PrefectClient, kind: str, name: str) -> UUID | None:
    try:
        return (await client.read_block_document_by_name(name, kind)).id
    except ObjectNotFound:
        return None

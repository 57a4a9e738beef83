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
from prefect.events.actions import ActionTypes, ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from armrest.app.environment import environment_settings
from armrest.outbox import RunState
from deployments.earlier_versions import TAG, remove_earlier_automations
from deployments.local_stack import POOL
from flows.artifacts import EVENT as OPEN_TOO_LONG
from flows.deployment_names import NIGHTLY, RESUME, SWEEP

NOTIFY_BLOCK: Final = "ARMREST_NOTIFY_BLOCK"
"""The block that sends notifications, by type and name: `slack-webhook/accounting`, `email-server/…`."""
NO_ADDRESS: Final = "https://notify.invalid/"
PLACEHOLDER: Final = ("custom-webhook", "armrest-notify")

SILENCE: Final = timedelta(seconds=90)
"""Three heartbeats: a killed run is marked within two minutes."""
LONGEST_NIGHT: Final = timedelta(hours=26)
"""From one start of the nightly to the next, with two hours to spare; one night has 25 hours."""

ENDINGS: Final = frozenset(
    {
        *("Completed", "Failed", "Crashed", "Cancelled", "Cached", "RolledBack", "TimedOut"),
        *(state.value for state in RunState if state.is_final or state is RunState.PLANNED),
        *("RefusedByArm", "Refused", "NotApproved", "NotVerified", "Drift", "OpenTooLong", "SettledLater", "NotReady"),
    }
)
"""Names of final states; after one of them, missing heartbeats mean nothing."""
BEGUN: Final = ("Running", "Scheduled", "AwaitingRetry", "AwaitingConcurrencySlot", "Cancelling", "Paused", "Suspended")
"""Names of states after which a flow run is no longer waiting for its process to begin."""
LAPSE_MARGIN_SECONDS: Final = 10
WAIT_FOR_WORKERS: Final = "35m"
"""The workers of a sharded run outlive its own process, and hold the client until they are done: half an hour at most,
unless it was given a longer `deadline`. Elsewhere the client is free a minute after the crash."""
CARRIED_ON: Final = ("update-customers", "apply-plan", "rerun-failed-batches")
"""Flows whose crashed runs are resumed automatically; if the resume crashes too, a person must check it."""

TAGGED: Final = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.arm"}
FLOW_RUNS: Final = "prefect.flow-run.*"


class NoSuchBlock(LookupError):
    """The block for notifications does not exist; the message says in one line what to do."""


async def create_automations() -> str:
    """Create or update the automations, and remove those of earlier versions; return what was done, in a line.

    Automations that need an address are off until there is one. What a user has switched on or off stays so.

    Raises:
        NoSuchBlock: The block that ARMREST_NOTIFY_BLOCK names does not exist.
    """
    async with get_client() as client:
        block_id, has_address = await _notification_block(client)
        resume = await client.read_deployment_by_name(RESUME)
        nightly = await client.read_deployment_by_name(NIGHTLY)
        notifications = notification_automations(block_id, on=has_address, nightly_on=_is_scheduled(nightly))
        settings = environment_settings()
        sweep = await client.read_deployment_by_name(SWEEP)
        waiting = waiting_automations(
            sweep.id, block_id, on=has_address, late_seconds=settings.late_seconds, lease_seconds=settings.lease_seconds
        )
        automations = (*recovery_automations(resume.id), *waiting, *notifications)
        for automation in automations:
            await _create_or_update(client, automation.model_copy(update={"tags": [TAG]}))
        removed = await remove_earlier_automations(client, {automation.name for automation in automations})
    status = "on" if has_address else f"off: name a block in {NOTIFY_BLOCK}"
    gone = f"; removed, of an earlier version: {', '.join(removed)}" if removed else ""
    return f"Automations: killed runs are resumed; notifications are {status}{gone}"


def recovery_automations(resume_run: UUID) -> tuple[AutomationCore, ...]:
    """Return the automations that mark a killed run, and that resume it."""
    killed = AutomationCore(
        name="arm: a killed run is marked Crashed",
        description="A run whose process has been silent for 90 seconds is dead: it is marked Crashed.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{name}" for name in ENDINGS)},
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


def waiting_automations(
    sweep: UUID, block_id: UUID, *, on: bool, late_seconds: float, lease_seconds: float
) -> tuple[AutomationCore, ...]:
    """Return the automations about runs that do not begin, or that a machine stopped.

    Args:
        late_seconds: How long a run may be pending, or late.
        lease_seconds: A lease that a dead machine held lapses after this; the sweep comes just after it.
    """
    pending = AutomationCore(
        name="arm: a run that does not begin is marked Crashed",
        description="A worker has taken a run, and the run has not begun: its worker died. It is started again, once.",
        trigger=_not_begun({"Pending", "Submitting"}, {*ENDINGS, *BEGUN}, seconds=late_seconds),
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
    late = AutomationCore(
        name="arm: tell of a run that no worker takes",
        description="A run is late, and no worker has taken it.",
        enabled=on,
        trigger=_not_begun({"Late"}, {"Pending", *ENDINGS, *BEGUN}, seconds=late_seconds),
        actions=[
            _notification(
                block_id,
                "ARM: a run does not begin",
                'Run "{{ flow_run.name }}" of {{ flow.name }} is late, and no worker takes it. It begins once one '
                "does: is a worker running (armrest doctor)?\n{{ flow_run|ui_url }}",
            )
        ],
    )
    return pending, returned, late


def _not_begun(after: set[str], expected: set[str], *, seconds: float) -> EventTrigger:
    """Trigger if none of the expected states of a flow run follows some other states in time."""
    return EventTrigger(
        after={f"prefect.flow-run.{name}" for name in after},
        expect={f"prefect.flow-run.{name}" for name in expected},
        match={"prefect.resource.id": FLOW_RUNS},
        match_related=[TAGGED],
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=seconds),
    )


def notification_automations(block_id: UUID, *, on: bool, nightly_on: bool) -> tuple[AutomationCore, ...]:
    """Return the automations that notify people; a batch is reported at most once a day."""
    run = 'Run "{{ flow_run.name }}" of {{ flow.name }}'
    failed = AutomationCore(
        name="arm: tell of a failed run",
        description="A run ended in a failed state of any name.",
        enabled=on,
        trigger=EventTrigger(
            expect={FLOW_RUNS},
            match={
                "prefect.resource.id": FLOW_RUNS,
                "prefect.state-type": ["FAILED", "CRASHED"],
                "prefect.state-name": "!OpenTooLong",  # a sweep ends so every ten minutes; it has its own notification
            },
            match_related=[TAGGED],
        ),
        actions=[
            _notification(
                block_id,
                "ARM: {{ flow_run.name }} ended as {{ flow_run.state.name }}",
                f"{run} ended as {{{{ flow_run.state.name }}}}: {{{{ flow_run.state.message }}}}\n"
                "{{ flow_run|ui_url }}",
            )
        ],
    )
    too_long = AutomationCore(
        name="arm: tell of a batch that is open too long",
        description="ARM has not finished a batch; each is reported once a day.",
        enabled=on,
        trigger=EventTrigger(expect={OPEN_TOO_LONG}, for_each={"prefect.resource.id"}, within=timedelta(days=1)),
        actions=[
            _notification(
                block_id,
                "ARM: a batch of client {{ event.payload.client_no }} is open too long",
                "Batch {{ event.payload.batch_uuid }} of run {{ event.payload.run_id }}, client "
                "{{ event.payload.client_no }}, has been open for {{ event.payload.open_seconds // 3600 }} hours. Ask "
                "Amili about it, or declare it lost: settle-open-batches with declare_lost.",
            )
        ],
    )
    not_started = AutomationCore(
        name="arm: tell of a nightly run that did not start",
        description="No run of update-customers/nightly has begun for 26 hours: no worker, or the schedule is off.",
        enabled=on and nightly_on,
        trigger=EventTrigger(
            expect={"prefect.flow-run.Running"},
            match={"prefect.resource.id": FLOW_RUNS},
            match_related=[
                {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.nightly"},
                TAGGED,
            ],
            posture=Posture.Proactive,
            threshold=1,
            within=LONGEST_NIGHT,
        ),
        actions=[
            _notification(
                block_id,
                "ARM: the nightly run did not start",
                "No run of update-customers/nightly has begun for 26 hours. Is a worker running (armrest doctor)? Is "
                "its schedule on?",
            )
        ],
    )
    return failed, too_long, not_started


def _notification(block_id: UUID, subject: str, body: str) -> ActionTypes:
    return SendNotification(block_document_id=block_id, subject=subject, body=body)


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


async def _notification_block(client: PrefectClient) -> tuple[UUID, bool]:
    """Return the block that sends notifications, and whether it has an address.

    If none is named, it is a webhook whose address a user can fill in in the UI.
    """
    if name := os.environ.get(NOTIFY_BLOCK):
        kind, _, block = name.partition("/")
        block_id = await _block_id(client, kind, block)
        if block_id is None:
            raise NoSuchBlock(
                f"{NOTIFY_BLOCK}: the block {name} does not exist: create it in Prefect's UI under Blocks"
            )
        return block_id, True
    block_id = await _block_id(client, *PLACEHOLDER)
    if block_id is None:
        webhook = CustomWebhookNotificationBlock(name="armrest", url=NO_ADDRESS, json_data=_MESSAGE)
        block_id = await webhook.save(PLACEHOLDER[1])
    return block_id, False


_MESSAGE: Final[Mapping[str, Any]] = {"text": "{{subject}}\n{{body}}"}


async def _block_id(client: PrefectClient, kind: str, name: str) -> UUID | None:
    try:
        return (await client.read_block_document_by_name(name, kind)).id
    except ObjectNotFound:
        return None

"""Notices: automations that tell people of a run that asks, waits, is stuck, was stopped or failed, and of the night.

Each has the reason and the figures, and a link that works wherever Prefect's server runs: the address of its UI is
written into the notice when it is created.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from prefect.events.actions import ActionTypes, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from armrest.outbox import RunState
from deployments.recipients import Recipient
from flows.artifacts import ASKS, CLIENTS, ENDED, NIGHT, NIGHTLY, clients_label
from flows.artifacts import EVENT as OPEN_TOO_LONG

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
LONGEST_RUN: Final = timedelta(hours=2)
"""A run has a deadline of half an hour from the start of sending, unless a person gave it a longer one."""
TAGGED: Final = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.arm"}
FLOW_RUNS: Final = "prefect.flow-run.*"
WORKERS: Final = "The page Work Pools in Prefect shows the workers."
RUN: Final = 'Run "{{ flow_run.name }}" of {{ flow.name }}'


def notification_automations(
    blocks: Sequence[UUID],
    *,
    ui: str,
    on: bool,
    nightly: UUID,
    late_seconds: float,
    missed_night_seconds: float,
    longest_run: timedelta = LONGEST_RUN,
) -> tuple[AutomationCore, ...]:
    """Return the automations that notify people.

    Args:
        blocks: The blocks that send notices; each gets every notice.
        ui: The address of Prefect's UI, without a slash at its end.
        nightly: The nightly deployment.
        late_seconds: How long a run may be late.
        missed_night_seconds: How long after a nightly run has begun the next one must begin.
        longest_run: How long a run may go on.
    """
    tell = _Telling(blocks, ui)
    return (
        _failed(tell, on=on),
        _stopped(tell, on=on),
        _asks(tell, on=on),
        _late(tell, on=on, seconds=late_seconds),
        _stuck(tell, on=on, longest=longest_run),
        _open_too_long(tell, on=on),
        _night(tell, on=on),
        _not_started(tell, on=on, nightly=nightly, within=timedelta(seconds=missed_night_seconds)),
    )


class _Telling:
    """Makes the actions of a notice, one for each block, with a link under its text."""

    def __init__(self, blocks: Sequence[UUID], ui: str) -> None:
        self._blocks = blocks
        self._ui = ui

    def __call__(self, subject: str, body: str, *, path: str = "") -> list[ActionTypes]:
        text = f"{body}\n{self._ui}/{path}" if path else body
        return [SendNotification(block_document_id=block, subject=subject, body=text) for block in self._blocks]


OF_RUN: Final = "runs/flow-run/{{ flow_run.id }}"


def _failed(tell: _Telling, *, on: bool) -> AutomationCore:
    return AutomationCore(
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
        actions=tell(
            "ARM: {{ flow_run.name }} ended as {{ flow_run.state.name }}",
            f"{RUN} ended as {{{{ flow_run.state.name }}}}: {{{{ flow_run.state.message }}}}",
            path=OF_RUN,
        ),
    )


def _stopped(tell: _Telling, *, on: bool) -> AutomationCore:
    return AutomationCore(
        name="arm: tell of a stopped run",
        description="A person cancelled a run, so nothing resumes it but a person.",
        enabled=on,
        trigger=EventTrigger(
            expect={"prefect.flow-run.Cancelled"},
            match={"prefect.resource.id": FLOW_RUNS},
            match_related=[TAGGED],
            for_each={"prefect.resource.id"},
            within=timedelta(minutes=5),  # the worker writes the state once more
        ),
        actions=tell(
            "ARM: {{ flow_run.name }} was stopped",
            f"{RUN} was stopped: {{{{ flow_run.state.message }}}}\nNothing resumes it but a person: see its summary, "
            "arm-run-…, under Artifacts.",
            path=OF_RUN,
        ),
    )


def _asks(tell: _Telling, *, on: bool) -> AutomationCore:
    return AutomationCore(
        name="arm: tell of a run that asks",
        description="A run has hit a limit, and waits for a person's decision.",
        enabled=on,
        trigger=EventTrigger(expect={ASKS}, for_each={"prefect.resource.id"}, within=timedelta(minutes=1)),
        actions=tell(
            "ARM: a run of client {{ event.payload.client_no }} asks you",
            "{{ event.payload.question }}\n\nNothing is sent unless somebody approves it within "
            "{{ event.payload.within }}: open the run, and choose Resume in its menu.",
            path="runs/flow-run/{{ event.payload.flow_run_id }}",
        ),
    )


def _late(tell: _Telling, *, on: bool, seconds: float) -> AutomationCore:
    return AutomationCore(
        name="arm: tell of a run that no worker takes",
        description="A run is late, and no worker has taken it.",
        enabled=on,
        trigger=not_begun({"Late"}, {"Pending", *ENDINGS, *BEGUN}, seconds=seconds),
        actions=tell(
            "ARM: a run does not begin",
            f"{RUN} is late, and no worker takes it. It begins once one does: is a worker running? {WORKERS}",
            path=OF_RUN,
        ),
    )


def _stuck(tell: _Telling, *, on: bool, longest: timedelta) -> AutomationCore:
    return AutomationCore(
        name="arm: tell of a run that does not end",
        description="A run has been running for too long, whatever its heartbeats say.",
        enabled=on,
        trigger=EventTrigger(
            after={"prefect.flow-run.Running"},
            expect={ENDED, "prefect.flow-run.Paused", *(f"prefect.flow-run.{name}" for name in ENDINGS)},
            match={"prefect.resource.id": FLOW_RUNS},
            match_related=[TAGGED],
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=longest,
        ),
        actions=tell(
            "ARM: {{ flow_run.name }} does not end",
            f"{RUN} has been running for {_length(longest)}. If that is not what you expect, cancel it: nothing is "
            "sent twice when you resume it.",
            path=OF_RUN,
        ),
    )


def _open_too_long(tell: _Telling, *, on: bool) -> AutomationCore:
    return AutomationCore(
        name="arm: tell of a batch that is open too long",
        description="ARM has not finished a batch; each is reported once a day.",
        enabled=on,
        trigger=EventTrigger(expect={OPEN_TOO_LONG}, for_each={"prefect.resource.id"}, within=timedelta(days=1)),
        actions=tell(
            "ARM: a batch of client {{ event.payload.client_no }} is open too long",
            "Batch {{ event.payload.batch_uuid }} of run {{ event.payload.run_id }}, client "
            "{{ event.payload.client_no }}, has been open for {{ event.payload.open_seconds // 3600 }} hours. Ask "
            "Amili about it, or declare it lost: settle-open-batches with declare_lost.",
            path="artifacts/key/arm-run-{{ event.payload.client_no }}",
        ),
    )


def _night(tell: _Telling, *, on: bool) -> AutomationCore:
    return AutomationCore(
        name="arm: tell how the night went",
        description="After every night one message, with a line for each client.",
        enabled=on,
        trigger=EventTrigger(expect={NIGHT}, match={CLIENTS: clients_label(())}),
        actions=tell("{{ event.payload.subject }}", "{{ event.payload.text }}", path="artifacts/key/arm-night"),
    )


def limited_night_automations(recipients: Sequence[Recipient]) -> tuple[AutomationCore, ...]:
    """Return the automations for recipients that get only the morning's message about their own clients."""
    groups: dict[str, list[UUID]] = {}
    for recipient in recipients:
        groups.setdefault(clients_label(recipient.clients), []).append(recipient.block_id)
    return tuple(
        AutomationCore(
            name=f"arm: tell how the night of {label} went",
            description="After every night one message about these clients, for those who get no other notice.",
            enabled=True,
            trigger=EventTrigger(expect={NIGHT}, match={CLIENTS: label}),
            actions=_Telling(blocks, "")("{{ event.payload.subject }}", "{{ event.payload.text }}"),
        )
        for label, blocks in sorted(groups.items())
    )


def _not_started(tell: _Telling, *, on: bool, nightly: UUID, within: timedelta) -> AutomationCore:
    """Return the notice that a client's nightly runs have ceased, a day and two hours after the last one began.

    Each start opens a window of that client, in which its next start is expected. Without `after`, Prefect opens
    windows one after the other; a missed night was then reported up to three windows after the last start, and again in
    every window.
    """
    return AutomationCore(
        name="arm: tell of nightly runs that no longer start",
        description=f"No nightly run of a client has begun for {_length(within)} since its last one.",
        enabled=on,
        trigger=EventTrigger(
            after={NIGHTLY},
            expect={NIGHTLY},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=tell(
            "ARM: the nightly run of client {{ event.payload.client_no }} did not start",
            "No schedule of update-customers/nightly has started a run of client {{ event.payload.client_no }} for "
            f"{_length(within)}. Is its schedule on? Is a worker running? {WORKERS} This notice comes once.",
            path=f"deployments/deployment/{nightly}",
        ),
    )


def not_begun(after: set[str], expected: set[str], *, seconds: float) -> EventTrigger:
    """Return a trigger for flow runs of which none of the expected states follows some other states in time."""
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


def _length(time: timedelta) -> str:
    hours = time / timedelta(hours=1)
    return f"{hours:g} hours" if hours >= 2 else f"{time.total_seconds():g} seconds"  # noqa: PLR2004

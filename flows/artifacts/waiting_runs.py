"""Flow runs that do not go on: late, pending, stuck, or waiting for a person."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from armrest.outbox import Ledger, lease_holders, run_of_flow_run

TAG: Final = "arm"
PAGE: Final = 200
IN_A_QUEUE: Final = "AwaitingConcurrencySlot"
_BEGUN: Final = (StateType.RUNNING, StateType.CANCELLING)
_OPEN: Final = [StateType.SCHEDULED, StateType.PENDING, StateType.PAUSED, *_BEGUN]


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A flow run that does not go on. `needs_help` is false if it waits for a decision, or for its turn."""

    flow_run_id: UUID
    name: str
    state: str
    since: datetime
    sentence: str
    needs_help: bool = True


async def read_waiting_runs(
    client: PrefectClient, ledger: Ledger | None, *, late_seconds: float, own: UUID
) -> list[WaitingRun]:
    """Return the flow runs that should have begun or gone on by now, the oldest first.

    Args:
        ledger: Knows whether a running flow run has a live process; None: it cannot be opened.
        late_seconds: How long a state may last until it counts.
        own: The flow run that asks.
    """
    now = datetime.now(UTC)
    before = now - timedelta(seconds=late_seconds)
    flow_runs = [flow_run async for flow_run in _open_flow_runs(client, now) if flow_run.id != own]
    return [waiting for flow_run in flow_runs if (waiting := _why(flow_run, ledger, before))]


async def _open_flow_runs(client: PrefectClient, now: datetime) -> AsyncIterator[FlowRun]:
    due = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[TAG]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_OPEN)),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=now),
    )
    offset = 0
    while page := await client.read_flow_runs(
        flow_run_filter=due, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=PAGE, offset=offset
    ):
        for flow_run in page:
            yield flow_run
        offset += len(page)


def _why(flow_run: FlowRun, ledger: Ledger | None, before: datetime) -> WaitingRun | None:
    """Return why a flow run does not go on; None if it does."""
    state = flow_run.state
    if state is None:
        return None
    needs_help = True
    if state.type == StateType.PAUSED:
        sentence, needs_help = "it asks you: open it, and press Resume", False
    elif state.name == IN_A_QUEUE:
        sentence, needs_help = "another run of its deployment is in progress: it begins after that", False
    elif state.type == StateType.SCHEDULED:
        is_late = (flow_run.expected_start_time or state.timestamp) < before
        sentence = "late: no worker takes it" if is_late else ""
    elif state.timestamp >= before:
        return None
    elif state.type == StateType.PENDING:
        sentence = "a worker took it, and it has not begun: its worker has died"
    elif state.type == StateType.CANCELLING:
        sentence = "it was cancelled, and no worker ends it"
    else:
        sentence = _stuck(flow_run, ledger)
    if not sentence:
        return None
    name = state.name or str(state.type)
    return WaitingRun(flow_run.id, flow_run.name, name, state.timestamp, sentence, needs_help)


def _stuck(flow_run: FlowRun, ledger: Ledger | None) -> str:
    """Return what to say of a running flow run whose run has no live process by the ledger; empty if it has."""
    if ledger is None:
        return ""
    run = run_of_flow_run(ledger, str(flow_run.id))
    if run is None or run.client_id in lease_holders(ledger):
        return ""
    return f"stuck: its process shows no life; start carry-on-a-run with run_id {run.run_id}"

"""Who stopped a run: Prefect knows whether a person has cancelled it."""

import asyncio
import os
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound

from armrest.delivery import finish_stopped
from armrest.outbox import Outbox, Run, StoppedBy, find_run, lease_holders, run_of_flow_run, summary, unfinished_runs

ASK_SECONDS: Final = 2.0
"""Prefect ends a process 30 seconds after it was asked to stop: the answer may not take long."""
_CANCELLED: Final = frozenset({StateType.CANCELLING, StateType.CANCELLED})
_STARTING: Final = frozenset({StateType.SCHEDULED, StateType.PENDING})


def flow_run_of_process() -> UUID | None:
    """Return the flow run that a worker started this process for; None on the command line.

    A flow that runs within another has a flow run of its own, but a person cancels the outer one.
    """
    given = os.environ.get("PREFECT__FLOW_RUN_ID")
    return UUID(given) if given else None


async def ask_who_stops(flow_run_ids: Collection[UUID]) -> StoppedBy:
    """Ask Prefect, once and not for long, whether a person wants one of these flow runs stopped."""
    try:
        async with asyncio.timeout(ASK_SECONDS), get_client() as client:
            found = [await client.read_flow_run(flow_run_id) for flow_run_id in flow_run_ids]
    except Exception:  # noqa: BLE001  whatever keeps Prefect from answering: there is no answer
        return "unknown"
    return "person" if any(one.state and one.state.type in _CANCELLED for one in found) else "machine"


async def who_stopped(outbox: Outbox, run_name: str) -> StoppedBy | None:
    """Return who stopped a run, by the ledger and by the states that its flow runs have had; None: nobody.

    `Cancelled` may come a minute late, `Cancelling` comes at once; a process that was killed has written nothing.

    Args:
        run_name: The run's id, or the id of a flow run that carried it.
    """
    run = run_of_flow_run(outbox.ledger, run_name)
    if run is not None and run.stopped_by == "person":
        return "person"
    flow_run_ids = {*_ids([run_name]), *(_flow_run_ids(outbox, run) if run else ())}
    async with get_client() as client:
        if await was_cancelled(client, flow_run_ids):
            return "person"
    return run.stopped_by if run else None


async def note_cancelled_runs(outbox: Outbox, api_url: str) -> None:
    """Write down which runs a person cancelled whose process was killed before it could write that down itself."""
    holders = lease_holders(outbox.ledger)
    for run_id in unfinished_runs(outbox.ledger, api_url):
        run = find_run(outbox.ledger, run_id)
        if run.ended_at is None and run.stopped_by is None and run.client_id not in holders:
            await note_if_cancelled(outbox, run)


async def note_if_cancelled(outbox: Outbox, run: Run) -> None:
    """Write down that a person cancelled a run that has no process any more, where that is so."""
    async with get_client() as client:
        cancelled = await was_cancelled(client, _flow_run_ids(outbox, run))
    if cancelled:
        finish_stopped(outbox, run, "person", lease=None)


async def was_cancelled(client: PrefectClient, flow_run_ids: Collection[UUID], *, with_outer: bool = True) -> bool:
    """Tell whether a person has cancelled any of these flow runs since the last of them started.

    Args:
        with_outer: Count the cancel of a flow run within which one of them runs, too.
    """
    own = [await client.read_flow_run_states(flow_run_id) for flow_run_id in flow_run_ids]
    outer_ids = [
        outer_id for flow_run_id in flow_run_ids if with_outer for outer_id in await _outer(client, flow_run_id)
    ]
    outer = [await client.read_flow_run_states(outer_id) for outer_id in outer_ids]
    started = max(filter(None, map(_last_start, own)), default=None)
    cancels = [state.timestamp for states in (*own, *outer) for state in states if state.type in _CANCELLED]
    return started is not None and any(cancelled >= started for cancelled in cancels)


def _last_start(states: list[State]) -> datetime | None:
    """Return when a flow run was last asked for: at first, or when somebody pressed Retry."""
    starts = [state.timestamp for state in states if state.type in _STARTING]
    return max(starts, default=min((state.timestamp for state in states), default=None))


async def _outer(client: PrefectClient, flow_run_id: UUID) -> list[UUID]:
    """Return the flow runs within which a flow run runs, the nearest first; none where Prefect does not know it."""
    found: list[UUID] = []
    try:
        flow_run = await client.read_flow_run(flow_run_id)
        while flow_run.parent_task_run_id is not None:
            outer_id = (await client.read_task_run(flow_run.parent_task_run_id)).flow_run_id
            if outer_id is None:
                break
            found.append(outer_id)
            flow_run = await client.read_flow_run(outer_id)
    except ObjectNotFound:
        pass
    return found


def _flow_run_ids(outbox: Outbox, run: Run) -> set[UUID]:
    return set(_ids(summary(outbox.ledger, run.run_id).flow_run_ids))


def _ids(names: Iterable[str]) -> Iterable[UUID]:
    """Yield those that are ids of flow runs; a run's own id is none."""
    for name in names:
        try:
            yield UUID(name)
        except ValueError:
            continue

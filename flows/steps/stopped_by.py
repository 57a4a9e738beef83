"""Finds out who stopped a run: Prefect knows whether a person has cancelled it."""

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

from armrest.outbox import Outbox, Run, StoppedBy, run_of_flow_run, summary

ASK_SECONDS: Final = 2.0
"""Prefect kills a process 30 seconds after asking it to stop, so the answer may not take long."""
_CANCELLED: Final = frozenset({StateType.CANCELLING, StateType.CANCELLED})
_STARTING: Final = frozenset({StateType.SCHEDULED, StateType.PENDING})


def flow_run_of_process() -> UUID | None:
    """Return the flow run that a worker started this process for; None on the command line.

    A flow that runs within another has a flow run of its own, but a person cancels the outer one.
    """
    flow_run = os.environ.get("PREFECT__FLOW_RUN_ID")
    return UUID(flow_run) if flow_run else None


async def ask_who_stops(flow_run_ids: Collection[UUID]) -> StoppedBy:
    """Ask Prefect once, briefly, whether a person has cancelled one of these flow runs."""
    try:
        async with asyncio.timeout(ASK_SECONDS), get_client() as client:
            flow_runs = [await client.read_flow_run(flow_run_id) for flow_run_id in flow_run_ids]
    except Exception:  # noqa: BLE001  for any reason, there is no answer
        return "unknown"
    return (
        "person" if any(flow_run.state and flow_run.state.type in _CANCELLED for flow_run in flow_runs) else "machine"
    )


async def who_stopped(outbox: Outbox, run_name: str) -> StoppedBy | None:
    """Return who stopped a run, from the ledger and the states of its flow runs; None if nobody did.

    `Cancelled` may come a minute late, `Cancelling` comes at once; a killed process has recorded nothing.

    Args:
        run_name: The run's id, or the id of a flow run that executed it.
    """
    run = run_of_flow_run(outbox.ledger, run_name)
    if run is not None and run.stopped_by == "person":
        return "person"
    flow_run_ids = {*_ids([run_name]), *(_flow_run_ids(outbox, run) if run else ())}
    async with get_client() as client:
        if await was_cancelled(client, flow_run_ids):
            return "person"
    return run.stopped_by if run else None


async def was_cancelled(client: PrefectClient, flow_run_ids: Collection[UUID], *, with_outer: bool = True) -> bool:
    """Return whether a person has cancelled any of these flow runs since the last of them started.

    Args:
        with_outer: Also count a cancellation of an enclosing flow run.
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
    """Return when a flow run was last scheduled: at first, or by a retry."""
    starts = [state.timestamp for state in states if state.type in _STARTING]
    return max(starts, default=min((state.timestamp for state in states), default=None))


async def _outer(client: PrefectClient, flow_run_id: UUID) -> list[UUID]:
    """Return the enclosing flow runs of a flow run, the nearest first; empty if Prefect does not know it."""
    outer_ids: list[UUID] = []
    try:
        flow_run = await client.read_flow_run(flow_run_id)
        while flow_run.parent_task_run_id is not None:
            outer_id = (await client.read_task_run(flow_run.parent_task_run_id)).flow_run_id
            if outer_id is None:
                break
            outer_ids.append(outer_id)
            flow_run = await client.read_flow_run(outer_id)
    except ObjectNotFound:
        pass
    return outer_ids


def _flow_run_ids(outbox: Outbox, run: Run) -> set[UUID]:
    return set(_ids(summary(outbox.ledger, run.run_id).flow_run_ids))


def _ids(names: Iterable[str]) -> Iterable[UUID]:
    """Yield the names that are ids of flow runs; a run's own id is not one."""
    for name in names:
        try:
            yield UUID(name)
        except ValueError:
            continue

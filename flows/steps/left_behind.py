"""Starts again what a machine stopped: runs that were begun, and flow runs that never began.

The ledger decides. A flow run that is replaced is given up there first, so that its process, should it still come to
life, sends nothing.
"""

import logging
from typing import Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed

from armrest.app.workspace import Workspace, required_api_url
from armrest.delivery import finish_stopped
from armrest.outbox import (
    Run,
    RunState,
    RunSummary,
    find_run,
    give_up_flow_run,
    lease_holders,
    run_of_flow_run,
    stopped_runs,
    summary,
)
from flows.artifacts import Outage
from flows.deployment_names import RESUME
from flows.steps.stopped_by import was_cancelled

log = logging.getLogger(__name__)

MOST_FLOW_RUNS: Final = 3
"""A run that has been resumed twice and stopped again by a machine is left to a person."""
MOST_STARTS: Final = 5
"""How often a resume is started that ends before it has the run: its worker died, or the client was busy."""
STARTED_AGAIN: Final = "started-again"
"""The tag of a flow run that replaces one that did not begin; it is not replaced in turn."""


async def note_stopped_runs(workspace: Workspace, outage: Outage) -> list[Run]:
    """Record by whom the runs were stopped that have no live process; return those that a machine stopped.

    A run of a person, of the command line, or of another Prefect server is not among them. If Prefect does not answer,
    nothing is recorded, and the next sweep asks again.
    """
    ledger = workspace.outbox.ledger
    holders = lease_holders(ledger)
    by_machine: list[Run] = []
    async with get_client() as client:
        for run_id in stopped_runs(ledger, required_api_url(workspace.settings)):
            run = find_run(ledger, run_id)
            if run.client_id not in holders:
                async with outage.best_effort(f"it is not known who stopped run {run_id}"):
                    if await _is_stopped_by_machine(client, workspace, run):
                        by_machine.append(find_run(ledger, run_id))
    return by_machine


async def _is_stopped_by_machine(client: PrefectClient, workspace: Workspace, run: Run) -> bool:
    """Return whether a machine stopped a run of a deployment, and record by whom a killed run was stopped."""
    run_summary = summary(workspace.outbox.ledger, run.run_id)
    flow_runs = [known for name in run_summary.flow_run_ids if (known := await _read(client, UUID(name)))]
    if not flow_runs:
        return False
    if await was_cancelled(client, [flow_run.id for flow_run in flow_runs]):
        if run.stopped_by is None:
            finish_stopped(workspace.outbox, run, "person", lease=None)
        return False
    age = workspace.outbox.ledger.now() - run_summary.created.timestamp()
    is_new = run.stopped_by is None and age < workspace.settings.lease_seconds  # it may be about to take its lease
    if is_new or not any(flow_run.deployment_id for flow_run in flow_runs):
        return False
    if run.stopped_by != "machine":
        finish_stopped(workspace.outbox, run, "machine", lease=None)
    return True


async def carry_on(workspace: Workspace, runs: list[Run], outage: Outage) -> list[str]:
    """Start `resume-run` for the runs that a machine stopped; return the ids of those that it resumes.

    Each attempt at a run has a flow run of its own in the ledger. Until there is one, a resume that has ended is
    started again: its worker died before it began, or another run had the client.
    """
    ledger = workspace.outbox.ledger
    started: list[str] = []
    holders = lease_holders(ledger)
    async with get_client() as client:
        for run in runs:
            latest = summary(ledger, run.run_id)
            if run.client_id in holders or not _can_be_carried_on(latest):
                continue
            async with outage.best_effort(f"run {run.run_id} is not resumed"):
                if await _resume(client, latest):
                    started.append(run.run_id)
                    log.info("run %s goes on: a machine had stopped it", run.run_id)
                else:
                    log.warning("run %s is left to a person: %s resumes of it did not begin", run.run_id, MOST_STARTS)
    return started


async def _resume(client: PrefectClient, run: RunSummary) -> bool:
    """Start `resume-run`, unless one is on its way; return False if that has been tried too often."""
    resume = await client.read_deployment_by_name(RESUME)
    for number in range(MOST_STARTS):
        flow_run = await client.create_flow_run_from_deployment(
            resume.id,
            parameters={"run_id": run.run_id, "wait": "2m", "by_itself": True},
            idempotency_key=f"carry-on-{run.run_id}-{len(run.flow_run_ids)}" + (f"-{number}" if number else ""),
        )
        if flow_run.state is None or not flow_run.state.is_final():
            return True
    return False


def _can_be_carried_on(run: RunSummary) -> bool:
    return run.can_be_resumed and run.stopped_by == "machine" and len(run.flow_run_ids) <= MOST_FLOW_RUNS


async def start_again(workspace: Workspace, flow_run_id: str) -> State | None:
    """Start a flow run again that never began; None if the ledger knows it, so that it can be resumed.

    Its process may still come to life: it is given up in the ledger first, and then it can send nothing.
    """
    ledger = workspace.outbox.ledger
    if run_of_flow_run(ledger, flow_run_id) is not None or not _is_uuid(flow_run_id):
        return None
    if not give_up_flow_run(ledger, flow_run_id):
        return None  # it has begun meanwhile
    async with get_client() as client:
        flow_run = await _read(client, UUID(flow_run_id))
        if flow_run is None or flow_run.deployment_id is None:
            return None
        if await was_cancelled(client, [flow_run.id]):
            return Completed(message=f"not started again: a person cancelled flow run {flow_run_id}")
        if STARTED_AGAIN in flow_run.tags:
            message = f"flow run {flow_run_id} did not begin, nor did the one before it: start doctor/check-the-worker"
            return Failed(name=RunState.STOPPED, message=message)
        again = await client.create_flow_run_from_deployment(
            flow_run.deployment_id,
            parameters={name: value for name, value in flow_run.parameters.items() if value is not None},
            tags=[*flow_run.tags, STARTED_AGAIN],
            idempotency_key=f"again-{flow_run_id}",
        )
    return Completed(message=f"flow run {flow_run_id} did not begin; it was started again as {again.id}")


async def _read(client: PrefectClient, flow_run_id: UUID) -> FlowRun | None:
    try:
        return await client.read_flow_run(flow_run_id)
    except ObjectNotFound:
        return None


def _is_uuid(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True

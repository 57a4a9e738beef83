"""Updates a run's artifacts and state in Prefect when ARM finishes its batches after the run has ended."""

from typing import Final
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed

from armrest.outbox import Outbox, RunState, RunSummary, find_run, summary
from flows.artifacts.report import Report, best_effort
from flows.artifacts.store import Artifacts

ENDED_BADLY: Final = frozenset({StateType.FAILED, StateType.CRASHED, StateType.RUNNING})
"""A run that is updated later has no live process: a flow run that is still RUNNING was killed."""


async def update_flow_runs(outbox: Outbox, run_id: str) -> None:
    """Give a run's flow runs a new version of its artifacts and its current state."""
    run = summary(outbox.ledger, run_id)
    async with get_client() as client:
        for flow_run_id in map(UUID, run.flow_run_ids):
            with best_effort():
                await _update(client, outbox, run, flow_run_id)


async def _update(client: PrefectClient, outbox: Outbox, run: RunSummary, flow_run_id: UUID) -> None:
    try:
        flow_run = await client.read_flow_run(flow_run_id)
    except ObjectNotFound:
        get_run_logger().info("flow run %s of run %s is not on this Prefect server", flow_run_id, run.run_id)
        return
    artifacts = Artifacts(client, flow_run_id, new_versions=True)
    await Report(outbox, find_run(outbox.ledger, run.run_id), artifacts, flow_run_id).conclude()
    if flow_run.state is not None and flow_run.state.type in ENDED_BADLY:
        await client.set_flow_run_state(flow_run_id, state_now(run), force=True)


def state_now(run: RunSummary) -> State:
    """Return the current state for a flow run whose run was updated later."""
    if run.state is RunState.COMPLETED:
        return Completed(name="SettledLater", message=run.message)
    return Failed(name=run.state, message=run.message)

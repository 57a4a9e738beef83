"""Updates an ended run's artifacts and state in Prefect: ARM has finished its batches, or Prefect did not know yet."""

from typing import Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed

from armrest.outbox import Outbox, RunState, RunSummary, find_run, summary
from flows.artifacts.outage import Outage
from flows.artifacts.report import Report
from flows.artifacts.store import Artifacts
from flows.artifacts.wording import browser_words

ENDED_BADLY: Final = frozenset({StateType.FAILED, StateType.CRASHED, StateType.RUNNING})
"""A run that is updated later has no live process: a flow run that is still RUNNING was killed, or could not tell."""


async def report_later(outbox: Outbox, run_id: str, *, outage: Outage) -> bool:
    """Give a run's flow runs a new version of its artifacts and its current state; return whether Prefect took it.

    If the server knows none of the flow runs, because it was restarted empty, the artifacts belong to no flow run.
    """
    failures = outage.failures
    async with get_client() as client, outage.best_effort(f"run {run_id} is not brought up to date"):
        run = summary(outbox.ledger, run_id)
        known = [flow_run for name in run.flow_run_ids if (flow_run := await _read(client, UUID(name)))]
        for flow_run in known:
            await _update(client, outbox, run, flow_run, outage)
        if not known:
            await _update(client, outbox, run, None, outage)
    return outage.failures == failures


async def _read(client: PrefectClient, flow_run_id: UUID) -> FlowRun | None:
    try:
        return await client.read_flow_run(flow_run_id)
    except ObjectNotFound:
        return None


async def _update(
    client: PrefectClient, outbox: Outbox, run: RunSummary, flow_run: FlowRun | None, outage: Outage
) -> None:
    flow_run_id = flow_run.id if flow_run else None
    if flow_run is not None and flow_run.state is not None and flow_run.state.type in ENDED_BADLY:
        await client.set_flow_run_state(flow_run.id, state_now(run, flow_run.state), force=True)
    artifacts = Artifacts(client, flow_run_id, new_versions=True)
    report = Report(outbox, find_run(outbox.ledger, run.run_id), artifacts, flow_run_id, outage)
    await report.write()
    await report.write_parents()


def state_now(run: RunSummary, before: State) -> State:
    """Return the current state for a flow run whose run was updated later.

    A flow run that had not ended is `Completed`, because only Prefect learns of it later.
    """
    if run.state is not RunState.COMPLETED:
        return Failed(name=run.state, message=browser_words(run.message))
    return Completed(name="SettledLater", message=run.message) if before.is_final() else Completed(message=run.message)

"""Updates an ended run's artifacts and state in Prefect: ARM has finished its batches, or Prefect did not know yet."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import State
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed

from armrest.app.browser_words import browser_words
from armrest.outbox import SINGLE, Ledger, Outbox, RunState, RunSummary, find_run, run_of_flow_run, summary
from flows.artifacts.outage import Outage
from flows.artifacts.report import Report
from flows.artifacts.store import Artifacts

ENDED_BADLY: Final = frozenset({StateType.FAILED, StateType.CRASHED, StateType.RUNNING})
"""A run that is updated later has no live process: a flow run that is still RUNNING was killed, or could not tell."""

WATCHED: Final = timedelta(days=1)
"""How long after its end a flow run is looked at; the sweep comes every ten minutes."""
MOST_CRASHED: Final = 200
"""Flow runs that Prefect lists at once."""
TAG: Final = "arm"
"""The tag of all flow runs of our deployments."""


async def crashed_after_the_end(ledger: Ledger, *, outage: Outage) -> list[str]:
    """Return the ids of runs that had ended before their flow run crashed.

    After an outage, Prefect's engine ends a process whose slot is no longer reserved, even if only the report of its
    end is missing. It replaces the state that the sweep has set meanwhile.
    """
    flow_runs: list[FlowRun] = []
    async with get_client() as client, outage.best_effort("flow runs that crashed after their end stay so"):
        flow_runs = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
                tags=FlowRunFilterTags(all_=[TAG]),
                end_time=FlowRunFilterEndTime(after_=datetime.now(UTC) - WATCHED),
            ),
            sort=FlowRunSort.END_TIME_DESC,
            limit=MOST_CRASHED,
        )
    return [run_id for flow_run in flow_runs if (run_id := _ended_run(ledger, flow_run))]


def _ended_run(ledger: Ledger, flow_run: FlowRun) -> str | None:
    """Return the id of a run that had ended when its flow run crashed. One that was resumed since ended later."""
    run = run_of_flow_run(ledger, str(flow_run.id))
    if run is None or run.ended_at is None or flow_run.state is None:
        return None
    has_ended = run.state in {RunState.COMPLETED, RunState.PARTLY_FAILED}
    return run.run_id if has_ended and run.ended_at <= flow_run.state.timestamp.timestamp() else None


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
    if run.kind == SINGLE and not (flow_run_id and await Artifacts(client, flow_run_id).ids()):
        return  # it has artifacts only if it was resumed as a batch; others are those of the client's newest file
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

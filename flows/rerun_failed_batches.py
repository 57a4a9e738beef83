"""The flow `rerun-failed-batches`: sends failed customers again."""

from collections.abc import Sequence

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.durations import Duration
from armrest.app.open_run import find_run_of_flow_run, link_flow_run, open_rerun
from armrest.app.rerun_selection import RerunSelection, select_for_rerun
from armrest.app.workspace import ConnectionName, Workspace
from armrest.outbox import Only
from armrest.plurals import quantity
from flows.form import form
from flows.parameters import BatchUuid, ClientNo, RunName
from flows.retry import continue_run
from flows.steps import flow_run_id, run_to_completion, stoppable
from tasks.open_workspace import use_workspace


def name_of_run() -> str:
    """Name what is sent again in the list of runs."""
    parameters = runtime.flow_run.parameters
    if parameters["run_id"]:
        return f"rerun of {parameters['run_id']}"
    if parameters["batch_uuids"]:
        return "rerun of batches"
    client_no = parameters["client_no"]
    return f"rerun of client {client_no}" if client_no else "rerun of nothing"


@flow(name="rerun-failed-batches", flow_run_name=name_of_run, retries=0)
@form("run_id", "client_no", "batch_uuids", "only")
@stoppable
async def rerun_failed_batches(
    run_id: RunName | None = None,
    batch_uuids: list[BatchUuid] | None = None,
    client_no: ClientNo | None = None,
    *,
    connection: ConnectionName = "",
    only: Only = "all",
    deadline: Duration = "30m",
    wait: Duration = "0s",
) -> State:
    """Send failed customers again, in new batches, with the values that they had in the file.

    Name a run, or batches, or a client: a client alone means all of its failures. The rerun skips customers that a
    later run has updated, so that old values never overwrite new ones. If nothing is left to do, the run is
    Completed and says so. If several runs had failures, each gets its own rerun, the oldest first.

    Args:
        run_id: The run that failed: its id in the summary, or the id of its flow run.
        batch_uuids: Only what failed in these batches. Empty: everything that failed.
        client_no: The client's number in ARM, for example 2218; 0: any. With a run: refuse a run of another client.
        connection: The block ArmConnection to send through. Empty: the run's own connection, or the settings.
        only: failed: what ARM rejected; lost: what was declared lost; all: both.
        deadline: Stop this long after sending has started (90s, 30m, 2h).
        wait: How long to wait if another run is sending for this client (10m).
    """
    with use_workspace(connection) as workspace:
        if run := find_run_of_flow_run(workspace, str(flow_run_id())):
            return await continue_run(workspace, run, rerun=rerun_failed_batches, deadline=deadline, wait=wait)
        choices = select_for_rerun(
            workspace, run_id=run_id, batch_uuids=batch_uuids or (), client_no=client_no, only=only
        )
        if not choices:
            return Completed(message="nothing is left to be sent again", data=[])
        workspace.arm_for(choices[0].parent)  # report missing settings first
        if len(choices) > 1:
            return await _one_by_one(workspace, choices, only=only, deadline=deadline, wait=wait)
        run = link_flow_run(workspace, open_rerun(workspace, choices[0], only), str(flow_run_id()))
        return await run_to_completion(workspace, run, deadline=deadline, wait=wait)


async def _one_by_one(
    workspace: Workspace, choices: Sequence[RerunSelection], *, only: Only, deadline: str, wait: str
) -> State:
    """Rerun each run in its own flow run; the data of the state are the ids of the reruns."""
    ended: list[State] = []
    for choice in choices:
        parameters = {"run_id": choice.parent.run_id, "batch_uuids": list(choice.batch_uuids)}
        state = await rerun_failed_batches(**parameters, only=only, deadline=deadline, wait=wait, return_state=True)
        ended.append(state)
    reruns = [
        run.run_id for state in ended if (run := find_run_of_flow_run(workspace, str(state.state_details.flow_run_id)))
    ]
    bad = [state for state in ended if not state.is_completed()]
    message = f"{len(ended) - len(bad)} of {quantity(len(ended), 'rerun')} completed"
    if not bad:
        return Completed(message=message, data=reruns)
    return Failed(name=bad[0].name, message=f"{message}; {bad[0].message}", data=reruns)

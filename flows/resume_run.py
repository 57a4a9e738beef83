"""The flow `resume-run`: resumes a run that was killed or stopped, or that ended at its deadline."""

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.durations import Duration, seconds_in
from armrest.app.open_run import find_resumable_run, find_run_of_flow_run, link_flow_run, reason_not_to_resume
from armrest.app.workspace import ConnectionName, Workspace, hold_client
from armrest.outbox import RunState
from flows.artifacts import Outage, report_later, reporting
from flows.form import form
from flows.parameters import RunName
from flows.rerun_failed_batches import rerun_failed_batches
from flows.retry import continue_run
from flows.steps import flow_run_id, noting_stop, refused, run_to_completion, start_again, stoppable, who_stopped
from tasks.open_workspace import use_workspace


def name_of_run() -> str:
    """Name the resumed run in the list of runs."""
    return f"resume of {runtime.flow_run.parameters['run_id']}"


@flow(name="resume-run", flow_run_name=name_of_run, retries=0)
@form("run_id")
@stoppable
async def resume_run(
    run_id: RunName,
    deadline: Duration = "30m",
    wait: Duration = "0s",
    connection: ConnectionName = "",
    *,
    by_itself: bool = False,
) -> State:
    """Resume a run: plan it if it is not planned, send what ARM has not acknowledged, wait for what is still open.

    The flow never sends again what ARM has acknowledged. It refuses a run whose process is still running.

    Args:
        run_id: The run to resume: its id in the summary, or the id of its flow run.
        deadline: Stop this long after sending has started (90s, 30m, 2h).
        wait: How long to wait if another run is sending for this client (10m).
        connection: The block ArmConnection to send through. Empty: the run's own connection.
        by_itself: Do not resume a run if a person stopped it, or if it is unknown who stopped it. The automation sets
            this; leave it off when you resume a run yourself.
    """
    with use_workspace(connection) as workspace:
        if by_itself:
            return await _resume_by_itself(workspace, run_id, deadline=deadline, wait=wait)
        run = find_resumable_run(workspace, run_id)
        workspace.arm_for(run)
        if find_run_of_flow_run(workspace, str(flow_run_id())):
            return await continue_run(workspace, run, rerun=rerun_failed_batches, deadline=deadline, wait=wait)
        if reason := reason_not_to_resume(workspace, run):
            return refused(reason, data=[run.run_id])
        link_flow_run(workspace, run, str(flow_run_id()))
        return await run_to_completion(workspace, run, deadline=deadline, wait=wait)


async def _resume_by_itself(workspace: Workspace, run_id: str, *, deadline: str, wait: str) -> State:
    """Resume a run for the automation, unless a person stopped it, or it is unknown who did."""
    if state := await start_again(workspace, run_id):
        return state
    if left := await _left_to_a_person(workspace, run_id):
        return left
    run = find_resumable_run(workspace, run_id)
    workspace.arm_for(run)
    if reason := reason_not_to_resume(workspace, run):  # only its flow run has crashed, after the run had ended
        await report_later(workspace.outbox, run.run_id, outage=Outage(workspace.settings.prefect_seconds))
        return Completed(message=reason)
    async with (
        reporting(workspace.outbox, run, flow_run_id(), seconds=workspace.settings.prefect_seconds),
        noting_stop(workspace, run),
        hold_client(workspace, run, wait_seconds=seconds_in(wait)),
    ):
        # asked again, because workers outlive the run's process and are cancelled with it
        if left := await _left_to_a_person(workspace, run_id):
            return left
        link_flow_run(workspace, run, str(flow_run_id()))
        return await run_to_completion(workspace, run, deadline=deadline, wait=wait)


async def _left_to_a_person(workspace: Workspace, run_id: str) -> State | None:
    """Return the state of a resume that sends nothing; None if the run may be resumed automatically."""
    by = await who_stopped(workspace.outbox, run_id)
    how = f"nothing was sent; to continue it, start resume-run with run_id {run_id}"
    if by == "person":
        return Completed(message=f"not resumed: a person stopped run {run_id}; {how}")
    if by == "unknown":
        message = f"not resumed: Prefect did not say who stopped run {run_id}; {how}"
        return Failed(name=RunState.STOPPED, message=message)
    return None

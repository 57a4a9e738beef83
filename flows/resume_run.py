"""The flow `resume-run`: a run that was killed, stopped, or ended at its deadline goes on."""

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.durations import Duration, seconds_in
from armrest.app.open_run import find_resumable_run, link_flow_run
from armrest.app.workspace import ConnectionName, Workspace, hold_client
from flows.parameters import RunName
from flows.steps import flow_run_id, noting_stop, run_to_completion, stoppable, who_stopped
from tasks.open_workspace import workspace as connected


def name_of_run() -> str:
    """Tell in the list of runs which one goes on."""
    return f"resume of {runtime.flow_run.parameters['run_id']}"


@flow(name="resume-run", flow_run_name=name_of_run, retries=0)
@stoppable
async def resume_run(
    run_id: RunName,
    deadline: Duration = "30m",
    wait: Duration = "0s",
    connection: ConnectionName = "",
    *,
    by_itself: bool = False,
) -> State:
    """Go on with a run: plan what is not planned, send what is not acknowledged, wait for what is still open.

    Nothing that ARM has acknowledged is sent again. A run whose process is alive is refused.

    Args:
        run_id: The run to go on with: its id in the summary, or the id of its flow run.
        deadline: End after this long, counted from the start of sending (90s, 30m, 2h).
        wait: How long to wait when another run is sending for this client (10m).
        connection: The block ArmConnection to send through. Empty: the one that the run was made with.
        by_itself: Leave the run alone if a person stopped it, or if nobody knows who did. The automation sets this;
            when you resume a run yourself, leave it off.
    """
    with connected(connection) as here:
        if by_itself and (left := await _left_to_a_person(here, run_id)):
            return left
        run = find_resumable_run(here, run_id)
        here.arm_for(run)
        if not by_itself:
            link_flow_run(here, run, str(flow_run_id()))
            return await run_to_completion(here, run, deadline=deadline, wait=wait)
        async with noting_stop(here, run), hold_client(here, run, wait_seconds=seconds_in(wait)):
            if left := await _left_to_a_person(here, run_id):  # its workers outlive its process, and are cancelled too
                return left
            link_flow_run(here, run, str(flow_run_id()))
            return await run_to_completion(here, run, deadline=deadline, wait=wait)


async def _left_to_a_person(here: Workspace, run_id: str) -> State | None:
    """Return the state of a resume that sends nothing; None where the run may be resumed by itself."""
    by = await who_stopped(here.outbox, run_id)
    how = f"nothing was sent; if it is meant to go on, resume-run with run_id {run_id} resumes it"
    if by == "person":
        return Completed(message=f"not resumed: a person stopped run {run_id}; {how}")
    if by == "unknown":
        return Failed(name="Stopped", message=f"not resumed: Prefect did not say who stopped run {run_id}; {how}")
    return None

"""The flow `resume-run`: a run that was killed, stopped, or ended at its deadline goes on."""

from prefect import flow, runtime
from prefect.client.schemas import State

from flows.parameters import RunName
from flows.sending import flow_run_id, see_through
from tasks.connection import ConnectionName
from tasks.connection import connection as connected
from tasks.durations import Duration
from tasks.runs import carry, resumable


def name_of_run() -> str:
    """Tell in the list of runs which one goes on."""
    return f"resume of {runtime.flow_run.parameters['run_id']}"


@flow(name="resume-run", flow_run_name=name_of_run, retries=0)
async def resume_run(
    run_id: RunName, deadline: Duration = "30m", wait: Duration = "0s", connection: ConnectionName = ""
) -> State:
    """Go on with a run: plan what is not planned, send what is not acknowledged, wait for what is still open.

    Nothing that ARM has acknowledged is sent again. A run whose process is alive is refused.

    Args:
        run_id: The run to go on with: its id in the summary, or the id of its flow run.
        deadline: End after this long, counted from the start of sending (90s, 30m, 2h).
        wait: How long to wait when another run is sending for this client (10m).
        connection: The block ArmConnection to send through. Empty: the one that the run was made with.
    """
    with connected(connection) as here:
        run = resumable(here, run_id)
        here.arm_for(run)
        carry(here, run, str(flow_run_id()))
        return await see_through(here, run, deadline=deadline, wait=wait)

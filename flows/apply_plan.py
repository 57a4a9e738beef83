"""The flow `apply-plan`: sends an approved plan unchanged, byte for byte."""

from prefect import flow, runtime
from prefect.client.schemas import State

from armrest.app.durations import Duration
from armrest.app.open_run import find_applicable_plan, find_run_of_flow_run
from armrest.app.workspace import ConnectionName
from flows.form import form
from flows.parameters import ClientNoIsRight, RunName, person
from flows.rerun_failed_batches import rerun_failed_batches
from flows.retry import continue_run
from flows.steps import flow_run_id, send_plan, stoppable
from tasks.open_workspace import use_workspace


def name_of_run() -> str:
    """Name the plan in the list of runs."""
    return f"apply {runtime.flow_run.parameters['plan_id']}"


@flow(name="apply-plan", flow_run_name=name_of_run, retries=0)
@form("plan_id")
@stoppable
async def apply_plan(
    plan_id: RunName,
    deadline: Duration = "30m",
    wait: Duration = "0s",
    connection: ConnectionName = "",
    client_no_is_right: ClientNoIsRight = 0,
) -> State:
    """Send a plan: the run of update-customers with dry_run, or of `armrest plan` on the command line.

    The flow refuses a plan if a later run has already sent any of its customers.

    Args:
        plan_id: The plan: the run's id in its artifact arm-plan-…, or the id of its flow run.
        deadline: Stop this long after sending has started (90s, 30m, 2h).
        wait: How long to wait if another run is sending for this client (10m).
        connection: The block ArmConnection to send through. Empty: the plan's own connection.
        client_no_is_right: A plan is not sent if its customers look like another client's. If the client number is
            right, repeat it here; 0 confirms nothing.
    """
    with use_workspace(connection) as workspace:
        begun = find_run_of_flow_run(workspace, str(flow_run_id()))
        if begun is not None:
            return await continue_run(workspace, begun, rerun=rerun_failed_batches, deadline=deadline, wait=wait)
        plan = find_applicable_plan(workspace, plan_id, client_no_is_right=client_no_is_right, by=person())
        workspace.arm_for(plan)
        return await send_plan(workspace, plan, deadline=deadline, wait=wait)

"""The flow `rerun-failed-batches`: what failed in a run is sent again."""

from prefect import flow, runtime
from prefect.client.schemas import State

from flows.sending import flow_run_id, see_through
from tasks.connection import arm_client, connection
from tasks.durations import Duration
from tasks.runs import carried, carry, open_rerun


def name_of_run() -> str:
    """Tell in the list of runs which one is taken up again."""
    return f"rerun of {runtime.flow_run.parameters['run_id']}"


@flow(name="rerun-failed-batches", flow_run_name=name_of_run, retries=0)
async def rerun_failed_batches(
    run_id: str, batch_uuids: list[str] | None = None, deadline: Duration = "30m", wait: Duration = "0s"
) -> State:
    """Send again what failed in a run: new batches of the customers that ARM refused, as they stood in the file.

    A customer that a later run has updated since is left out, so that nothing old is put over something new. Where
    nothing is left to do, the run says so and is Completed.

    Args:
        run_id: The run that failed: its id in the summary, or the id of its flow run.
        batch_uuids: Only what failed in these of its batches. Empty: everything that failed.
        deadline: End after this long, counted from the start of sending (90s, 30m, 2h).
        wait: How long to wait when another run is sending for this client (10m).
    """
    with connection() as here:
        run = carried(here, str(flow_run_id()))
        if run is None:
            arm_client(here.settings)  # what the settings lack is said first
            run = carry(here, open_rerun(here, run_id, batch_uuids or []), str(flow_run_id()))
        return await see_through(here, run, deadline=deadline, wait=wait)

"""Shows the result of a verification in Prefect: as an artifact, and as the state of the flow run."""

from typing import Annotated, Final

from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.states import Completed, Failed
from pydantic import Field

from armrest.api import ArmError
from armrest.app.browser_words import browser_words
from armrest.app.verification import verify_run
from armrest.app.workspace import Workspace
from armrest.intake import shown_number
from armrest.outbox import Run, summary
from armrest.reconcile import Verification
from flows.artifacts import Artifacts, Outage
from flows.steps.sigterm import flow_run_id

DRIFT: Final = "Drift"
Sample = Annotated[int, Field(ge=1)]


async def verify_sample_of_run(workspace: Workspace, run: Run, state: State, *, sample: int | None) -> State:
    """Compare `sample` customers that a run has settled with ARM, and return the state with the result.

    If the run has settled none, its state does not change; a failed run stays failed.
    """
    if not sample or not summary(workspace.outbox.ledger, run.run_id).customers.settled:
        return state
    try:
        verification = await verify_run(workspace, run.run_id, sample=sample)
    except ArmError as error:
        return Failed(name="NotVerified", message=f"{state.message}; it could not be verified: {error}")
    await drift_message(verification, seconds=workspace.settings.prefect_seconds)
    message = f"{state.message}; verified: {verification.message}"
    if not state.is_completed():
        return Failed(name=state.name, message=message)
    return Completed(message=message) if verification.equal else Failed(name=DRIFT, message=message)


async def drift_message(verification: Verification, *, seconds: float) -> None:
    """Write the artifact: customer numbers and field names, no values.

    Args:
        seconds: The longest time that it may take.
    """
    rows = [
        {
            "customer": shown_number(difference.customer_no),
            "drift": str(difference.drift),
            "fields": ", ".join(difference.fields),
        }
        for difference in verification.named
    ]
    where = f" Values: `{verification.file}`." if verification.file else ""
    async with get_client() as client:
        artifacts = Artifacts(client, flow_run_id())
        async with Outage(seconds).best_effort("the artifact of the differences is missing"):
            about = browser_words(f"{verification.source}: {verification.message}.")
            await artifacts.table(f"arm-drift-{verification.client_no}", rows, about + where)

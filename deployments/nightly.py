"""Switches on the nightly's schedules, if they can reach nothing but the sandbox."""

from prefect.client.orchestration import get_client

from flows.deployment_names import NIGHTLY


async def switch_on_nightly() -> str:
    """Switch on the schedules of prefect.yaml; return what was done, in a line."""
    async with get_client() as client:
        nightly = await client.read_deployment_by_name(NIGHTLY)
        for schedule in nightly.schedules:
            await client.update_deployment_schedule(nightly.id, schedule.id, active=True)
    return f"Schedules of {NIGHTLY}: on"

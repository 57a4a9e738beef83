"""Removes the deployments and automations that earlier versions made, once today's have taken over.

Prefect cannot rename a deployment, so a new name is a new deployment with another id. What leads to the former one is
brought over first: its schedules, and the links in stored artifacts. Whatever is unfinished stays: then the deployment
is paused, and the next `make deploy` removes it.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import ArtifactUpdate, DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterType,
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import Artifact, DeploymentSchedule, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import ArtifactSort
from prefect.events.actions import RunDeployment
from prefect.exceptions import ObjectNotFound

from armrest.plurals import quantity
from flows.deployment_names import EARLIER

TAG: Final = "arm"
"""The tag of every deployment and automation that this project makes."""
PAGE: Final = 200
"""Prefect's server returns no more at once."""
LINK: Final = "/deployments/deployment/{}/"
UNFINISHED: Final = (
    *(StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING),
    *(StateType.PAUSED, StateType.CANCELLING),
)
UNTAGGED_AUTOMATIONS: Final = frozenset(
    {
        "arm: a killed run is marked Crashed",
        "arm: a crashed run is carried on",
        "arm: a run that does not begin is marked Crashed",
        "arm: a worker that returns carries on",
        "arm: tell of a run that no worker takes",
        "arm: tell of a failed run",
        "arm: tell of a batch that is open too long",
        "arm: tell of a nightly run that did not start",
    }
)
"""Automations that were made before automations had a tag."""


async def remove_earlier_deployments() -> str:
    """Remove the deployments of earlier versions that others have replaced; return what was done, in lines.

    The automations of today have to exist already: one of them may start a former deployment until then.
    """
    async with get_client() as client:
        replaced = {
            former.id: (former, await client.read_deployment_by_name(EARLIER[name]))
            async for name, former in _earlier_deployments(client)
        }
        if not replaced:
            return "Earlier deployments: none"
        lines = [line for former, new in replaced.values() for line in await _bring_schedules_over(client, former, new)]
        for former, _ in replaced.values():
            await client.pause_deployment(former.id)
        links = await _lead_links_on(client, {former: new.id for former, (_, new) in replaced.items()})
        if links:
            lines.append(f"Links in {quantity(links, 'artifact')}: they lead to today's deployments")
        for name, former in [(name, former) async for name, former in _earlier_deployments(client)]:
            lines.append(await _remove(client, name, former))
        return "\n".join(lines)


async def remove_earlier_automations(client: PrefectClient, names: set[str]) -> list[str]:
    """Remove the automations that an earlier version made and today's version does not; return their names.

    Args:
        names: The automations of today.
    """
    removed: list[str] = []
    for automation in await _automations(client):
        is_ours = TAG in automation.tags or automation.name in UNTAGGED_AUTOMATIONS
        if is_ours and automation.name not in names:
            await client.delete_automation(automation.id)
            removed.append(automation.name)
    return removed


async def _earlier_deployments(client: PrefectClient) -> AsyncIterator[tuple[str, DeploymentResponse]]:
    """Yield the former deployments that still exist, with their names; somebody else's of that name is not ours."""
    for name in EARLIER:
        try:
            deployment = await client.read_deployment_by_name(name)
        except ObjectNotFound:
            continue
        if TAG in deployment.tags:
            yield name, deployment


async def _bring_schedules_over(
    client: PrefectClient, former: DeploymentResponse, new: DeploymentResponse
) -> list[str]:
    """Move the schedules of a former deployment to the new one; one that was brought over already is only removed."""
    existing = [_content(schedule, {}) for schedule in new.schedules]
    for schedule in former.schedules:
        content = _content(schedule, former.parameters)
        if content not in existing:
            is_on = schedule.active and not former.paused
            created = DeploymentScheduleCreate.model_validate({**content, "active": is_on, "slug": schedule.slug})
            await client.create_deployment_schedules(new.id, [created])
        await client.delete_deployment_schedule(former.id, schedule.id)
    moved = len(former.schedules)
    name = f"{await _flow_name(client, new)}/{former.name}"
    return [f"Schedules of {name}: {moved} brought over"] if moved else []


def _content(schedule: DeploymentSchedule, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return when a schedule runs and with what; a form of today has no null."""
    parameters = {name: value for name, value in {**defaults, **schedule.parameters}.items() if value is not None}
    return {"schedule": schedule.schedule, "parameters": parameters, "max_scheduled_runs": schedule.max_scheduled_runs}


async def _flow_name(client: PrefectClient, deployment: DeploymentResponse) -> str:
    return (await client.read_flow(deployment.flow_id)).name


async def _lead_links_on(client: PrefectClient, new_ids: Mapping[UUID, UUID]) -> int:
    """Rewrite the links to former deployments in stored artifacts; return in how many."""
    links = {LINK.format(former): LINK.format(new) for former, new in new_ids.items()}
    rewritten = 0
    async for artifact in _texts(client):
        text = str(artifact.data)
        changed = text
        for former, new in links.items():
            changed = changed.replace(former, new)
        if changed != text:
            await _write(client, artifact, changed)
            rewritten += 1
    return rewritten


async def _texts(client: PrefectClient) -> AsyncIterator[Artifact]:
    """Yield all Markdown artifacts, a page at a time, in an order that writing to them does not change."""
    markdown = ArtifactFilter(type=ArtifactFilterType(any_=["markdown"]))
    offset = 0
    while page := await client.read_artifacts(
        artifact_filter=markdown, sort=ArtifactSort.ID_DESC, limit=PAGE, offset=offset
    ):
        for artifact in page:
            yield artifact
        offset += len(page)


async def _write(client: PrefectClient, artifact: Artifact, text: str) -> None:
    """Replace an artifact's text; the client's own method would also send it as an event."""
    update = ArtifactUpdate(data=text)
    await client.request(
        "PATCH",
        "/artifacts/{id}",
        json=update.model_dump(mode="json", exclude_unset=True),
        path_params={"id": artifact.id},
    )


async def _remove(client: PrefectClient, name: str, former: DeploymentResponse) -> str:
    """Remove a paused deployment unless something still needs it; return what was done, in a line."""
    flow_runs = await client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[former.id])),
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(UNFINISHED)))),
        limit=PAGE,
    )
    if busy := sum(1 for flow_run in flow_runs if not flow_run.auto_scheduled):
        return f"Deployment {name}: paused; it has {busy} unfinished runs: run `make deploy` again when they have ended"
    if starters := [
        automation.name
        for automation in await _automations(client)
        if any(isinstance(act, RunDeployment) and act.deployment_id == former.id for act in automation.actions)
    ]:
        names = ", ".join(starters)
        return f"Deployment {name}: paused; an automation starts it ({names}): let it start {EARLIER[name]}"
    await client.delete_deployment(former.id)
    return f"Deployment {name}: replaced by {EARLIER[name]}, and removed"


async def _automations(client: PrefectClient) -> list[Any]:
    automations: list[Any] = []
    while page := await client.read_automations(limit=PAGE, offset=len(automations)):
        automations += page
    return automations

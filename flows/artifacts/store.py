"""A flow run's artifacts: each is created once and updated in place, so that each run is one version of a key."""

import asyncio
import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from flows.artifacts.links import Forms, deployed_forms

PAGE: Final = 200
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Artifacts:
    """The artifacts of one flow run, found again when Prefect retries it, and created again if its server lost them.

    Args:
        flow_run_id: None: the server does not know the run's flow runs, so its artifacts belong to none.
        new_versions: Keep the existing artifacts, and create a new version of each.
    """

    def __init__(self, client: PrefectClient, flow_run_id: UUID | None, *, new_versions: bool = False) -> None:
        self._client = client
        self._flow_run_id = flow_run_id
        self._ids: dict[str, UUID] | None = {} if new_versions else None
        self._last: dict[str, Any] = {}
        self._lock = asyncio.Lock()
        self._creating: dict[str, asyncio.Task[None]] = {}

    async def table(self, key: str, rows: list[dict[str, Any]], description: str) -> None:
        """Write a table; a cell is text, a number or None."""
        await self._put(key, "table", json.dumps(rows), description)

    async def markdown(self, key: str, text: str, description: str) -> None:
        """Write a Markdown text."""
        await self._put(key, "markdown", text, description)

    async def progress(self, key: str, percent: float, description: str) -> None:
        """Write a progress, 0 to 100."""
        await self._put(key, "progress", percent, description)

    async def ids(self) -> dict[str, UUID]:
        """Return the ids of the artifacts by key, so that a text can link to those of this run."""
        return dict(await self._known())

    async def of_flow_run(self, flow_run_id: str) -> "Artifacts | None":
        """Return the artifacts of another flow run; None if the server does not know it."""
        try:
            flow_run = await self._client.read_flow_run(UUID(flow_run_id))
        except ObjectNotFound:
            return None
        return Artifacts(self._client, flow_run.id)

    async def forms(self) -> Forms:
        """Return the forms that a text may link to."""
        return await deployed_forms(self._client)

    async def _put(self, key: str, kind: str, data: str | float, description: str) -> None:
        async with self._lock:  # two concurrent writers would both create it
            if self._last.get(key) != (data, description):
                await self._write(key, kind, data, description)
                self._last[key] = (data, description)

    async def _write(self, key: str, kind: str, data: str | float, description: str) -> None:
        if creating := self._creating.pop(key, None):  # left by a cancelled writer: not made twice
            await asyncio.wait([creating])
        ids = await self._known()
        if key in ids and await self._update(ids[key], ArtifactUpdate(data=data, description=description)):
            return
        new = ArtifactCreate(key=key, type=kind, data=data, description=description, flow_run_id=self._flow_run_id)
        self._creating[key] = asyncio.create_task(self._create(key, new))
        await asyncio.shield(self._creating[key])

    async def _create(self, key: str, new: ArtifactCreate) -> None:
        artifact = await self._client.create_artifact(new)
        (await self._known())[key] = artifact.id

    async def _update(self, artifact_id: UUID, update: ArtifactUpdate) -> bool:
        """Update an artifact; return False if the server has it no more, because it was restarted empty.

        The client's own method also sends the data as an event, and fails if that is over 1.5 MB.
        """
        try:
            await self._client.request(
                "PATCH",
                "/artifacts/{id}",
                json=update.model_dump(mode="json", exclude_unset=True),
                path_params={"id": artifact_id},
            )
        except PrefectHTTPStatusError as error:
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise
            await self._forget_unknown()
            return False
        return True

    async def _forget_unknown(self) -> None:
        """Attach what follows to no flow run if the server does not know it."""
        if self._flow_run_id is not None:
            try:
                await self._client.read_flow_run(self._flow_run_id)
            except ObjectNotFound:
                self._flow_run_id = None

    async def _known(self) -> dict[str, UUID]:
        if self._ids is None and self._flow_run_id is None:
            self._ids = {}
        if self._ids is None:
            own = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[self._flow_run_id]))
            artifacts = await self._client.read_artifacts(artifact_filter=own, limit=PAGE)
            artifacts.sort(key=lambda artifact: artifact.created or _LONG_AGO)  # the newest version of a key counts
            self._ids = {artifact.key: artifact.id for artifact in artifacts if artifact.key}
        return self._ids

"""Links to the filled-in forms of the next flows; relative, so that they work in both of Prefect's UIs."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

NEXT: Final = ("rerun-failed-batches", "resume-run", "apply-plan")
"""The flows that a summary links to."""

Forms = Mapping[str, UUID]
"""The manual deployment of each flow that has one."""


async def deployed_forms(client: PrefectClient) -> Forms:
    """Return the deployments `…/manual` of the flows that a summary links to."""
    forms: dict[str, UUID] = {}
    for flow in NEXT:
        try:
            forms[flow] = (await client.read_deployment_by_name(f"{flow}/manual")).id
        except ObjectNotFound:
            continue
    return forms


def form_link(deployment_id: UUID, parameters: Mapping[str, Any]) -> str:
    """Return the address of a custom run with these parameters, as seen from an artifact's page or a flow run's."""
    return f"../../deployments/deployment/{deployment_id}/run?parameters={quote(json.dumps(parameters))}"


def artifact_link(artifact_id: UUID) -> str:
    """Return the address of an artifact, of this run and no other, as seen from there."""
    return f"../../artifacts/artifact/{artifact_id}"


def flow_run_link(flow_run_id: UUID | str) -> str:
    """Return the address of a flow run, as seen from there."""
    return f"../../runs/flow-run/{flow_run_id}"

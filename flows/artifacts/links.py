"""Links to the filled-in forms of the next flows; relative, so that they work in both of Prefect's UIs."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from flows.deployment_names import APPLY, RERUN, RESUME

NEXT: Final = (RERUN, RESUME, APPLY)
"""The deployments that a summary links to."""

Forms = Mapping[str, UUID]
"""The deployment of each flow that has one, by the flow's name."""


async def deployed_forms(client: PrefectClient) -> Forms:
    """Return the deployments that a summary links to, by their flows."""
    forms: dict[str, UUID] = {}
    for name in NEXT:
        try:
            forms[name.partition("/")[0]] = (await client.read_deployment_by_name(name)).id
        except ObjectNotFound:
            continue
    return forms


def form_link(deployment_id: UUID, parameters: Mapping[str, Any]) -> str:
    """Return the address of a custom run with these parameters, as seen from an artifact's page or a flow run's."""
    return form_address("../..", deployment_id, parameters)


def form_address(ui: str, deployment_id: UUID, parameters: Mapping[str, Any]) -> str:
    """Return the address of a custom run with these parameters, in the UI at an address."""
    return f"{ui}/deployments/deployment/{deployment_id}/run?parameters={quote(json.dumps(parameters))}"


def artifact_link(artifact_id: UUID) -> str:
    """Return the address of an artifact, of this run and no other, as seen from there."""
    return f"../../artifacts/artifact/{artifact_id}"


def flow_run_link(flow_run_id: UUID | str) -> str:
    """Return the address of a flow run, as seen from there."""
    return f"../../runs/flow-run/{flow_run_id}"

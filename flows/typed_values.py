"""Takes out of the parameters of flow runs what people typed: it is personal data, and Prefect keeps parameters."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from armrest.app.single_update import may_be_shown
from flows.customer_fields import COLUMNS
from flows.customer_number import TAKEN_OUT

FLOWS: Final = ("update-customer", "customer-history")
"""The flows whose parameters hold such values until they begin."""
NOT_BEGUN: Final = (StateType.CRASHED, StateType.CANCELLED, StateType.FAILED)
"""States in which a flow run may end without having begun, so that it has not taken out anything itself."""
MOST: Final = 200
"""Flow runs that Prefect lists at once."""


def without_values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with the names of the fields, and without their values.

    A customer number stays, if it is one: it may be somebody's name.
    """
    kept = {**parameters}
    kept |= {name: TAKEN_OUT for name in COLUMNS if kept.get(name)}
    if kept.get("changes"):
        kept["changes"] = dict.fromkeys(kept["changes"], TAKEN_OUT)
    if not may_be_shown(str(kept.get("customer_no", "")).strip()):
        kept["customer_no"] = TAKEN_OUT
    return kept


async def take_out_values(flow_run_id: UUID, parameters: Mapping[str, Any]) -> None:
    """Remove the values from the parameters of a flow run."""
    async with get_client() as client:
        await client.update_flow_run(flow_run_id, parameters=without_values(parameters))


async def take_out_left_values() -> int:
    """Remove the values of flow runs that ended before they began; return of how many. Safe to repeat.

    Should the process of one of them still begin, it finds that the values are gone, and sends nothing.
    """
    taken = 0
    async with get_client() as client:
        for flow_run_id, parameters in await _ended(client):
            kept = without_values(parameters)
            if kept != parameters:
                await client.update_flow_run(flow_run_id, parameters=kept)
                taken += 1
    return taken


async def _ended(client: PrefectClient) -> list[tuple[UUID, dict[str, Any]]]:
    flow_runs = await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(NOT_BEGUN))),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=MOST,
    )
    return [(flow_run.id, flow_run.parameters) for flow_run in flow_runs]

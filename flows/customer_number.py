"""A customer number that a person types: it may be a person's name, so it is shown only if it is a number."""

from typing import Annotated, Final
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from pydantic import WithJsonSchema

from armrest.app.single_update import may_be_shown
from armrest.model import TypedText

TAKEN_OUT: Final = "(taken out)"
"""Replaces the typed text in the parameters of a flow run."""

_NUMBER: Final = TypedText(r"^\s*\S{1,50}\s*$", expected="a customer number without spaces, such as 10007")
TypedCustomerNo = Annotated[str, WithJsonSchema({"type": "string", **_NUMBER.json_schema()})]
"""A customer number. The form checks it, and not Prefect's engine, which logs values that it refuses."""


def name_of_customer() -> str:
    """Name client and customer in the list of runs, if the text is a customer number."""
    parameters = runtime.flow_run.parameters
    number = str(parameters.get("customer_no", "")).strip()
    return f"{parameters.get('client_no')} · {number if may_be_shown(number) else 'no customer number'}"


async def take_out_customer_no(flow_run: UUID) -> None:
    """Remove what was typed in place of a customer number from the parameters of a flow run."""
    parameters = {**runtime.flow_run.parameters, "customer_no": TAKEN_OUT}
    async with get_client() as client:
        await client.update_flow_run(flow_run, parameters=parameters)

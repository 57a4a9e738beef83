"""The flow `update-customer`: updates one customer at once."""

from collections.abc import Iterable
from uuid import UUID

from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.states import Failed

from armrest.app.single_update import may_be_shown, update_single_customer
from armrest.app.workspace import ConnectionName
from armrest.model import CustomerNo
from armrest.outbox import RunState
from flows.parameters import ClientNo, UserId
from flows.steps import end_state, explained, flow_run_id
from tasks.open_workspace import use_workspace

TAKEN_OUT = "(taken out)"
"""Replaces the values in the parameters."""


def _name() -> str:
    """Name the customer, if the text is a customer number; text in the wrong field may be personal data."""
    parameters = runtime.flow_run.parameters
    number = str(parameters.get("customer_no", ""))
    return f"{parameters.get('client_no')} · {number if may_be_shown(number) else 'no customer number'}"


@flow(name="update-customer", flow_run_name=_name, retries=0)
@explained
async def update_customer(
    client_no: ClientNo,
    customer_no: CustomerNo,
    *,
    changes: dict[str, str],
    clear: list[str] | None = None,
    user_id: UserId | None = None,
    connection: ConnectionName = "",
) -> State:
    """Update one customer at once, without a file or a batch.

    As soon as the run starts, it removes the new values from its parameters, and an invalid customer number too. So
    it cannot be retried; start a new run instead. Until then Prefect stores the values; if that is not allowed, use
    `armrest update-customer`.

    Args:
        client_no: The client's number in ARM, for example 2218.
        customer_no: The customer's number.
        changes: New values by field, such as phoneNo and 91234567. Fields have the names of a customer file's columns.
            Parts of the postal address that you do not give keep their values.
        clear: Fields to clear.
        user_id: User id that ARM records as the author. Empty: the user id in the settings.
        connection: The block ArmConnection to send through, such as staging. Empty: the ARM of the settings.
    """
    if TAKEN_OUT in changes.values():
        return Failed(
            name=RunState.INPUT_REJECTED, message="this run's parameters no longer hold the values: start a new run"
        )
    await _take_out(flow_run_id(), changes, customer_no)
    with use_workspace(connection) as workspace:
        done = await update_single_customer(
            workspace, client_no, customer_no, values=changes, clear=clear or [], user_id=user_id
        )
    return end_state(done.run)


async def _take_out(flow_run: UUID, fields: Iterable[str], customer_no: str) -> None:
    """Keep the names of the fields in Prefect's database, but not the values, which are personal data."""
    parameters = {**runtime.flow_run.parameters, "changes": dict.fromkeys(fields, TAKEN_OUT)}
    if not may_be_shown(customer_no):
        parameters["customer_no"] = TAKEN_OUT
    async with get_client() as client:
        await client.update_flow_run(flow_run, parameters=parameters)

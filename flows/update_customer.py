"""The flow `update-customer`: one customer, now."""

from collections.abc import Iterable
from uuid import UUID

from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.states import Failed

from armrest.app.single_update import may_be_shown, update_single_customer
from armrest.app.workspace import ConnectionName
from armrest.model import CustomerNo
from flows.parameters import ClientNo, UserId
from flows.steps import end_state, flow_run_id
from tasks.open_workspace import workspace as connected

TAKEN_OUT = "(taken out)"
"""What stands among the parameters once the values are gone from there."""


def _name() -> str:
    """Name the customer, if it is a customer number: what is typed in the wrong field may be a person's."""
    given = runtime.flow_run.parameters
    number = str(given.get("customer_no", ""))
    return f"{given.get('client_no')} · {number if may_be_shown(number) else 'no customer number'}"


@flow(name="update-customer", flow_run_name=_name, retries=0)
async def update_customer(
    client_no: ClientNo,
    customer_no: CustomerNo,
    *,
    changes: dict[str, str],
    clear: list[str] | None = None,
    user_id: UserId | None = None,
    connection: ConnectionName = "",
) -> State:
    """Update one customer at once; no file, no batch.

    The new values are taken out of the run's parameters as soon as it begins: it cannot be retried, but begun anew.
    So is what stands in the place of the customer's number and is none.
    Until then Prefect keeps them; where that may not be, use `armrest update-customer`.

    Args:
        client_no: The client's number in ARM, for example 2218.
        customer_no: The customer's number.
        changes: New values by field, named as the columns of a customer file, such as phoneNo and 91234567. Of the
            postal address, what is not given keeps its value.
        clear: Fields to make blank.
        user_id: Who the update is by, as ARM knows the user. Empty: the one in the settings.
        connection: Which ARM it goes to: the name of a block ArmConnection, such as staging. Empty: the settings'.
    """
    if TAKEN_OUT in changes.values():
        return Failed(name="InputRejected", message="the values are gone from this run's parameters: begin a new run")
    await _take_out(flow_run_id(), changes, customer_no)
    with connected(connection) as here:
        done = await update_single_customer(
            here, client_no, customer_no, values=changes, clear=clear or [], user_id=user_id
        )
    return end_state(done.run)


async def _take_out(flow_run: UUID, fields: Iterable[str], customer_no: str) -> None:
    """Leave the fields' names in Prefect's database, and not the values: they are a customer's."""
    parameters = {**runtime.flow_run.parameters, "changes": dict.fromkeys(fields, TAKEN_OUT)}
    if not may_be_shown(customer_no):
        parameters["customer_no"] = TAKEN_OUT
    async with get_client() as client:
        await client.update_flow_run(flow_run, parameters=parameters)

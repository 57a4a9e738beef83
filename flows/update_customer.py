"""The flow `update-customer`: one customer, now."""

from typing import Annotated

from prefect import flow
from prefect.client.schemas import State
from pydantic import Field

from armrest.api import CustomerNo
from flows.sending import end_state
from tasks.connection import ConnectionName
from tasks.single_update import updated_single

ClientNo = Annotated[int, Field(ge=1)]


@flow(name="update-customer", flow_run_name="{client_no} · {customer_no}", retries=0)
async def update_customer(
    client_no: ClientNo,
    customer_no: CustomerNo,
    *,
    changes: dict[str, str],
    clear: list[str] | None = None,
    user_id: str | None = None,
    connection: ConnectionName = "",
) -> State:
    """Update one customer at once; no file, no batch.

    Prefect keeps what is typed here: the new values stay among the flow run's parameters until it is deleted there.
    Where that may not be, use `armrest update-customer`.

    Args:
        client_no: The client's number in ARM, for example 2218.
        customer_no: The customer's number.
        changes: New values by field, named as the columns of a customer file, such as phoneNo and 91234567. Of the
            postal address, what is not given keeps its value.
        clear: Fields to make blank.
        user_id: Who the update is by, as ARM knows the user. Empty: the one in the settings.
        connection: Which ARM it goes to: the name of a block ArmConnection, such as staging. Empty: the settings'.
    """
    done = await updated_single(
        client_no, customer_no, values=changes, clear=clear or [], user_id=user_id, connection=connection
    )
    return end_state(done.run)

"""The flow `update-customer`: updates one customer at once."""

from collections.abc import Mapping

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Failed

from armrest.api import ArmError
from armrest.app.browser_words import browser_words
from armrest.app.open_run import find_run_of_flow_run
from armrest.app.single_update import update_single_customer
from armrest.app.workspace import ConnectionName
from armrest.intake import InputRefused
from armrest.outbox import RunState
from flows.customer_fields import BlankedField, with_customer_fields
from flows.customer_number import TAKEN_OUT, TypedCustomerNo, name_of_customer
from flows.form import form, hide_from_form
from flows.parameters import ClientNo, UserId
from flows.steps import end_state, explained, flow_run_id
from flows.typed_values import take_out_values
from tasks.open_workspace import use_workspace


@flow(name="update-customer", flow_run_name=name_of_customer, retries=0)
@form("client_no", "customer_no")
@with_customer_fields
@explained
async def update_customer(
    client_no: ClientNo,
    customer_no: TypedCustomerNo,
    *,
    values: Mapping[str, str],
    clear: list[BlankedField] | None = None,
    user_id: UserId | None = None,
    connection: ConnectionName = "",
    changes: dict[str, str] | None = None,
) -> State:
    """Update one customer at once, without a file or a batch.

    Fill in the fields that change; all others keep their values. Until the run starts, Prefect stores the new values;
    if that is not allowed, use `armrest update-customer` on the command line. When the run starts, it removes the new
    values from its parameters, and an invalid customer number, too. So it cannot be retried: start a new run instead.

    Args:
        client_no: The client's number in ARM, for example 2218.
        customer_no: The customer's number, for example 10007.
        values: Each field as a parameter of its own.
        clear: Fields to blank in ARM. A field that you leave empty above is not blanked: it keeps its value.
        user_id: User id that ARM records as the author. Empty: the user id in the settings.
        connection: The block ArmConnection to send through, such as staging. Empty: the ARM of the settings.
        changes: For programs, until version 0.4: new values by field, instead of the fields.
    """
    customer_no, values = customer_no.strip(), {**(changes or {}), **values}
    if TAKEN_OUT in values.values():
        return _refused("this run's parameters no longer hold the values: start a new run")
    await take_out_values(flow_run_id(), runtime.flow_run.parameters)
    if not values and not clear:
        return _refused("nothing to change: fill in a field, such as phoneNo, or choose one in clear to blank it")
    if both := sorted(values.keys() & set(clear or ())):
        return _refused(f"{both[0]} has a new value and is in clear, too: keep one of them")
    with use_workspace(connection) as workspace:
        try:
            result = await update_single_customer(
                workspace,
                client_no,
                customer_no,
                values=values,
                clear=clear or [],
                user_id=user_id,
                flow_run_id=str(flow_run_id()),
            )
        except InputRefused as refusal:
            return _refused(refusal.message)
        except ArmError:
            run = find_run_of_flow_run(workspace, str(flow_run_id()))
            if run is None:  # ARM was only asked for the customer's record
                raise
            return Failed(name=run.state, message=browser_words(run.message or ""))
    return end_state(result.run)


hide_from_form(update_customer, "changes")


def _refused(message: str) -> State:
    return Failed(name=RunState.INPUT_REJECTED, message=message)

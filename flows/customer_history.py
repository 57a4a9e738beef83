"""The flow `customer-history`: what happened to one customer."""

import asyncio

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.customer_events import CustomerHistory, read_customer_history
from armrest.app.single_update import may_be_shown
from armrest.outbox import RunState
from armrest.plurals import quantity
from flows.artifacts import customer_markdown, when, write_answer
from flows.customer_number import TypedCustomerNo, name_of_customer, take_out_customer_no
from flows.form import form
from flows.parameters import ClientNo
from flows.steps import flow_run_id
from tasks.open_workspace import use_workspace


@flow(name="customer-history", flow_run_name=name_of_customer, retries=0)
@form("client_no", "customer_no")
async def customer_history(client_no: ClientNo, customer_no: TypedCustomerNo) -> State:
    """Show what happened to one customer in every run; change nothing.

    The artifact `arm-customer-…` lists each run: when, the outcome, the reason, the batchUuid and the file. It shows
    no value of the customer.

    Args:
        client_no: The client's number in ARM, for example 2218.
        customer_no: The customer's number, for example 10007.
    """
    number = customer_no.strip()
    if not may_be_shown(number):
        await take_out_customer_no(flow_run_id())
        return Failed(name=RunState.INPUT_REJECTED, message="customer_no: write a customer number, such as 10007")
    with use_workspace() as workspace:
        history = await asyncio.to_thread(read_customer_history, workspace.outbox.ledger, client_no, number)
    message = _message(client_no, number, history)
    text = customer_markdown(client_no, number, history, message)
    await write_answer(flow_run_id(), f"arm-customer-{client_no}", text, message)
    return Completed(message=message)


def _message(client_no: int, customer_no: str, history: CustomerHistory) -> str:
    """Return the newest outcome as a sentence."""
    if not history.events:
        return f"no run of client {client_no} has customer {customer_no}: check both numbers"
    newest = history.events[0]
    return f"customer {customer_no}: {newest.sentence}, {when(newest.at)}; {quantity(history.total, 'run')}"

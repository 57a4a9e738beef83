"""A flow of your own: read customers from a warehouse, transform them, and send them by `update-customers/manual`.

The frame stays out of Prefect: neither a parameter nor a result holds a customer. Your project needs the library of
armrest-flows, and Prefect. The flows of armrest-flows run elsewhere, in their own worker.

    ARMREST_HOME=…  PREFECT_API_URL=…  python warehouse_to_arm.py sqlite:///warehouse.db 2218
"""

import sys

import pandas as pd
import sqlalchemy as sa
from prefect import flow, get_run_logger, task
from prefect.client.schemas import FlowRun
from prefect.deployments import run_deployment

import armrest

QUERY = "SELECT id, full_name, mobile, street, zip, city FROM customers WHERE active = 1"


def read_warehouse(url: str) -> pd.DataFrame:
    """Read every column as text: otherwise one missing value turns all numbers of a column into floats."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        return pd.read_sql(sa.text(QUERY), connection, dtype="str")


def transform(customers: pd.DataFrame) -> pd.DataFrame:
    """Give the columns ARM's names, and clean the values."""
    names = {
        "id": "customerNo",
        "full_name": "name",
        "mobile": "phoneNo",
        "street": "addressLine1",
        "zip": "postalCode",
        "city": "cityName",
    }
    customers = customers.rename(columns=names)
    return customers.assign(name=customers.name.str.strip(), postalCode=customers.postalCode.str.zfill(4))


@task
def hand_over(warehouse: str) -> str:
    """Read, transform and hand over; return the source, which is a path without data."""
    return armrest.hand_over(transform(read_warehouse(warehouse)), name="warehouse")


@flow
def warehouse_to_arm(warehouse: str, client_no: int) -> str:
    """Send the customers of the warehouse that have changed."""
    source = hand_over(warehouse)
    flow_run = run_deployment(
        "update-customers/manual",
        parameters={"source": source, "client_no": client_no, "changes_only": True},
    )
    assert isinstance(flow_run, FlowRun), "a flow that is not async waits here"
    state = flow_run.state
    assert state is not None
    get_run_logger().info("update-customers: %s, %s", state.name, state.message)
    if not state.is_completed():
        raise RuntimeError(f"update-customers ended as {state.name}: {state.message}")
    return state.message or ""


if __name__ == "__main__":
    print(warehouse_to_arm(sys.argv[1], int(sys.argv[2])))

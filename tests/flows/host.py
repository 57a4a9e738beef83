"""Runs flows as it is told on stdin, in a process of its own: Prefect leaks sockets, and in tests warnings are errors.

A line in: `{"flow": name, "parameters": {…}, "variables": {…}}`, or `{"retry": flow run's id, …}` in place of the
parameters; with `"deployed": true` the run is one of a deployment, as a form makes them. A variable lasts for its
line only.
A line out: `{"flow_run_id", "name", "message"}`.
"""

import asyncio
import json
import os
import sys
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.flow_engine import run_flow_async
from prefect.states import AwaitingRetry

from flows.apply_plan import apply_plan
from flows.customer_history import customer_history
from flows.doctor import doctor
from flows.export_run import export_run
from flows.inbox import inbox
from flows.purge import purge
from flows.report_night import report_night
from flows.rerun_failed_batches import rerun_failed_batches
from flows.resume_run import resume_run
from flows.settle_open_batches import settle_open_batches
from flows.update_customer import update_customer
from flows.update_customers import update_customers
from flows.verify_customers import verify_customers

FLOWS: dict[str, Flow[..., Any]] = {
    flow.name: flow
    for flow in (
        update_customer,
        update_customers,
        apply_plan,
        rerun_failed_batches,
        resume_run,
        settle_open_batches,
        purge,
        verify_customers,
        customer_history,
        export_run,
        doctor,
        inbox,
        report_night,
    )
}


async def run(flow: Flow[..., Any], parameters: dict[str, Any]) -> State:
    return await flow(**parameters, return_state=True)


async def retry(flow: Flow[..., Any], flow_run_id: UUID) -> State:
    """Do what a worker does once somebody has pressed Retry."""
    async with get_client() as client:
        await client.set_flow_run_state(flow_run_id, AwaitingRetry(), force=True)
        flow_run = await client.read_flow_run(flow_run_id)
    return await run_flow_async(flow, flow_run=flow_run, parameters=flow_run.parameters, return_type="state")


async def run_deployed(flow: Flow[..., Any], parameters: dict[str, Any]) -> State:
    """Do what a worker does once somebody has sent a form off."""
    async with get_client() as client:
        deployment_id = await client.create_deployment(await client.create_flow(flow), name="by-hand")
        made = await client.create_flow_run_from_deployment(deployment_id, parameters=parameters, tags=["arm"])
        flow_run = await client.read_flow_run(made.id)
    return await run_flow_async(flow, flow_run=flow_run, parameters=flow_run.parameters, return_type="state")


def main() -> None:
    at_start = dict(os.environ)
    for line in sys.stdin:
        order = json.loads(line)
        os.environ.clear()
        os.environ.update(at_start | order["variables"])
        flow = FLOWS[order["flow"]]
        start = run_deployed if order.get("deployed") else run
        work = retry(flow, UUID(order["retry"])) if "retry" in order else start(flow, order["parameters"])
        state = asyncio.run(work)
        ended = {"flow_run_id": str(state.state_details.flow_run_id), "name": state.name, "message": state.message}
        print(json.dumps(ended), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

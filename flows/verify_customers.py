"""The flow `verify-customers`: does ARM hold what a customer file says?"""

from typing import Annotated

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas import State
from prefect.states import Completed, Failed
from pydantic import Field

from armrest.delivery.drift import Verification
from flows.sending import flow_run_id
from tasks.artifacts import Artifacts
from tasks.connection import ConnectionName
from tasks.report import best_effort
from tasks.verification import verified_source

ClientNo = Annotated[int, Field(ge=1)]
Sample = Annotated[int, Field(ge=1)]


@flow(name="verify-customers", flow_run_name="{client_no} · {source}", retries=0)
async def verify_customers(
    source: str,
    client_no: ClientNo,
    *,
    connection: ConnectionName = "",
    sample: Sample | None = None,
    mapping: str | None = None,
) -> State:
    """Compare what ARM holds with a customer file, field by field; nothing is changed.

    The flow run is `Completed` where they are equal, and failed as `Drift` where they are not. The artifact
    `arm-drift-…` names the customers and the fields that differ; the values stand in a CSV on the machine that ran it.

    Args:
        source: The customer file, as a path on the machine that runs this.
        client_no: The client's number in ARM, for example 2218.
        connection: Which ARM is asked: the name of a block ArmConnection, such as staging. Empty: the settings'.
        sample: Compare so many customers at random, and say how many of all may differ. Empty: all of them.
        mapping: The path of the file's mapping. Empty: its columns are named as in ARM.
    """
    found = await verified_source(source, client_no, connection=connection, mapping=mapping, sample=sample)
    await _report(found)
    return Completed(message=found.message) if found.equal else Failed(name="Drift", message=found.message)


async def _report(found: Verification) -> None:
    rows = [
        {"customer": one.customer_no, "drift": str(one.drift), "fields": ", ".join(one.fields)} for one in found.named
    ]
    async with get_client() as client:
        artifacts = Artifacts(client, flow_run_id())
        with best_effort():
            await artifacts.table(f"arm-drift-{found.client_no}", rows, _description(found))


def _description(found: Verification) -> str:
    where = f" Values: `{found.file}`." if found.file else ""
    return f"{found.source}: {found.message}.{where}"

"""The flow `verify-customers`: compares ARM with a customer file."""

from functools import partial

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.source_options import SourceOptions
from armrest.app.source_parameters import ComparedSource
from armrest.app.verification import verify_source
from armrest.app.workspace import ConnectionName
from flows.form import form
from flows.parameters import ClientNo, is_deployed, name_of_source
from flows.source_parameters import with_source_parameters
from flows.steps import DRIFT, Sample, drift_message, explained
from tasks.connections import load_settings


@flow(name="verify-customers", flow_run_name=name_of_source, retries=0)
@form("source", "client_no", "sample", "connection")
@partial(with_source_parameters, parameters=ComparedSource)
@explained
async def verify_customers(
    client_no: ClientNo,
    *,
    connection: ConnectionName = "",
    sample: Sample | None = None,
    reading: SourceOptions,
) -> State:
    """Compare ARM with a customer file, field by field; change nothing.

    The flow run is `Completed` if they are equal, and fails as `Drift` if they differ. The artifact `arm-drift-…`
    names the customers and fields that differ; the values are in a CSV on the machine that ran the flow.

    Args:
        client_no: The client's number in ARM, for example 2218.
        connection: The block ArmConnection of the ARM to ask, such as staging. Empty: the ARM of the settings.
        sample: Compare this many random customers, and estimate how many of all differ. 0: compare all.
        reading: The options of the source.
    """
    settings = load_settings(connection)
    verification = await verify_source(settings, reading, client_no, sample=sample, confined=is_deployed())
    await drift_message(verification, seconds=settings.prefect_seconds)
    return (
        Completed(message=verification.message)
        if verification.equal
        else Failed(name=DRIFT, message=verification.message)
    )

"""The flow `verify-customers`: does ARM hold what a customer file says?"""

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.source_options import SourceOptions
from armrest.app.verification import verify_source
from armrest.app.workspace import ConnectionName
from armrest.model import Clear, DuplicatePolicy, SourceName, WholeAddressPolicy
from flows.parameters import ClientNo, is_deployed
from flows.steps import DRIFT, Sample, drift_message
from tasks.connections import load_settings


@flow(name="verify-customers", flow_run_name="{client_no} · {source}", retries=0)
async def verify_customers(
    source: SourceName,
    client_no: ClientNo,
    *,
    connection: ConnectionName = "",
    sample: Sample | None = None,
    encoding: str | None = None,
    mapping: str | None = None,
    clear: tuple[Clear, ...] = (),
    address_policy: WholeAddressPolicy = "refuse",
    duplicates: DuplicatePolicy = "error",
) -> State:
    """Compare ARM with a customer file, field by field; change nothing.

    The flow run is `Completed` if they are equal, and failed as `Drift` if they differ. The artifact `arm-drift-…`
    names the customers and fields that differ; the values are in a CSV on the machine that ran the flow.

    Args:
        source: The customer file, named as for update-customers.
        client_no: The client's number in ARM, for example 2218.
        connection: The block ArmConnection of the ARM to ask, such as staging. Empty: the ARM of the settings.
        sample: Compare this many random customers, and estimate how many of all differ. Empty: compare all.
        encoding: Encoding of a text file, for example cp865; mixed reads each line by itself. Empty: detected.
        mapping: The mapping file in ARMREST_MAPPINGS, which assigns columns to ARM's fields. Empty: the columns have
            ARM's names.
        clear: Fields that an empty cell clears in ARM.
        address_policy: What to do when the file has only some of the address columns. refuse compares nothing;
            replace expects the other parts to be blank.
        duplicates: What to do when a customer has several rows. error compares nothing; first and last compare that
            row; merge combines the rows if they agree.
    """
    reading = SourceOptions(
        source=source,
        encoding=encoding,
        mapping=mapping,
        clear=clear,
        address_policy=address_policy,
        duplicates=duplicates,
    )
    settings = load_settings(connection)
    verification = await verify_source(settings, reading, client_no, sample=sample, confined=is_deployed())
    await drift_message(verification, seconds=settings.prefect_seconds)
    return (
        Completed(message=verification.message)
        if verification.equal
        else Failed(name=DRIFT, message=verification.message)
    )

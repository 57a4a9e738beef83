"""The flow `verify-customers`: does ARM hold what a customer file says?"""

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.source_options import Clear, DuplicatePolicy, SourceName, SourceOptions, WholeAddressPolicy
from armrest.app.verification import verify_source
from armrest.app.workspace import ConnectionName
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
    """Compare what ARM holds with a customer file, field by field; nothing is changed.

    The flow run is `Completed` where they are equal, and failed as `Drift` where they are not. The artifact
    `arm-drift-…` names the customers and the fields that differ; the values stand in a CSV on the machine that ran it.

    Args:
        source: The customer file, named as for update-customers.
        client_no: The client's number in ARM, for example 2218.
        connection: Which ARM is asked: the name of a block ArmConnection, such as staging. Empty: the settings'.
        sample: Compare so many customers at random, and say how many of all may differ. Empty: all of them.
        encoding: How a CSV is encoded, for example cp865. Empty: by its BOM, else UTF-8, else Windows-1252.
        mapping: The mapping file in ARMREST_MAPPINGS, which says which column holds which of ARM's fields. Empty: the
            columns have ARM's names.
        clear: Fields of which an empty cell was to blank what ARM has.
        address_policy: refuse takes no file that has columns for a part of the address only; replace takes what is not
            there for blank.
        duplicates: When a customer stands in several rows. error compares nothing; last and first take that row; merge
            puts them together where they agree.
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
    found = await verify_source(settings, reading, client_no, sample=sample, confined=is_deployed())
    await drift_message(found)
    return Completed(message=found.message) if found.equal else Failed(name=DRIFT, message=found.message)

"""Models, client and sandbox say the same: schemathesis asks the sandbox by the description that the models make.

`test_openapi.py` runs this file in a process of its own.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from armrest.api.responses.pagination import read_page
from armrest.api.responses.parsing import read_accepted, read_batch, read_customer, read_record
from armrest.sandbox import TOKEN, SandboxServer
from armrest.sandbox.http.openapi import description
from tests.generated import examples

SCHEMA: Final = schemathesis.openapi.from_dict(description())
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
READERS: Final[dict[str, Callable[[int, Any], object]]] = {
    "putCustomersBatch": read_accepted,
    "postCustomersBatch": read_accepted,
    "getBatch": read_batch,
    "putCustomer": read_customer,
    "postCustomer": read_customer,
    "deleteCustomer": read_customer,
    "getCustomers": read_page,
    "getCustomer": lambda _, payload: read_record(payload),
}
WRITES: Final = {"putCustomersBatch", "postCustomersBatch", "putCustomer", "postCustomer"}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1) as server:
        server.records.load(2218, [{"customerNo": "10001", "name": "Kari"}])
        yield server


@SCHEMA.parametrize()
@settings(max_examples=examples(12), suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described_and_the_client_can_read_it(
    case: schemathesis.Case, server: SandboxServer
) -> None:
    response = case.call(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"})

    operation = case.operation.definition.raw["operationId"]
    case.validate_response(response, checks=CHECKS + [positive_data_acceptance] * (operation in WRITES))
    if operation in READERS and response.status_code < 300:
        READERS[operation](response.status_code, response.json())

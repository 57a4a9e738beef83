"""Models, client and sandbox say the same: schemathesis asks the sandbox by the description that the models make."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import jsonschema
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
from armrest.sandbox import TOKEN, Behaviour, Sandbox, SandboxServer
from armrest.sandbox.http.openapi import OPERATIONS, description
from armrest.sandbox.http.routes import ROUTES
from tests.api.documented_list import CUSTOMER, LIST
from tests.sandbox.asking import content, poll, put

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
SECONDS_TO_WAIT: Final = 10


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1) as server:
        server.records.load(2218, [{"customerNo": "10001", "name": "Kari"}])
        yield server


@SCHEMA.parametrize()
@settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described_and_the_client_can_read_it(
    case: schemathesis.Case, server: SandboxServer
) -> None:
    response = case.call(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"})

    operation = case.operation.definition.raw["operationId"]
    case.validate_response(response, checks=CHECKS + [positive_data_acceptance] * (operation in WRITES))
    if operation in READERS and response.status_code < 300:
        READERS[operation](response.status_code, response.json())


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        ({}, 200),
        ({"delay_seconds": SECONDS_TO_WAIT}, 202),
        ({"refuse_customers": ["10001"]}, 206),
        ({"reject_batches_with": ["10001"]}, 406),
    ],
)
def test_every_answer_about_a_batch_is_as_described(sandbox: Sandbox, behaviour: dict[str, Any], status: int) -> None:
    sandbox.behaviour.update(Behaviour.model_validate(behaviour))
    reply = poll(sandbox, put(sandbox, {"customerNo": "10001"}))

    assert reply.status == status
    jsonschema.validate(content(reply), description()["components"]["schemas"]["BatchResult"])


def test_every_route_is_described_and_nothing_else() -> None:
    assert {(route.method, route.path) for route in ROUTES} == set(OPERATIONS)


def test_every_part_has_its_standing() -> None:
    told = description()
    operations = [operation for path in told["paths"].values() for operation in path.values()]
    parts = [
        *operations,
        *(parameter for operation in operations for parameter in operation["parameters"]),
        *(answer for operation in operations for answer in operation["responses"].values()),
        *(field for schema in told["components"]["schemas"].values() for field in schema["properties"].values()),
    ]

    assert {part.get("x-standing") for part in parts} == {"documented", "inferred", "assumed"}


def test_a_list_as_in_the_documented_example_is_as_described() -> None:
    for account_no in (500002, "500002"):
        page = LIST | {"customers": [CUSTOMER | {"accountNo": account_no}]}
        jsonschema.validate(page, {"$ref": "#/components/schemas/CustomerPage", **description()})


@pytest.mark.parametrize(
    ("schema", "field", "standing", "of_type"),
    [
        ("CustomerPage", "customers", "documented", "documented"),
        ("PageSummary", "totalCount", "documented", "documented"),
        ("CustomerRecord", "accountNo", "documented", "documented"),
        ("CustomerRecord", "ssn", "documented", "documented"),
        ("CustomerUpdate", "name", "documented", "inferred"),
        ("BatchResult", "customers", "assumed", "assumed"),
    ],
)
def test_a_field_says_how_its_name_and_its_type_are_known(schema: str, field: str, standing: str, of_type: str) -> None:
    described = description()["components"]["schemas"][schema]["properties"][field]

    assert (described["x-standing"], described["x-type-standing"]) == (standing, of_type)


def test_a_birth_number_is_shown_and_not_written() -> None:
    schemas = description()["components"]["schemas"]

    assert "ssn" in schemas["CustomerRecord"]["properties"]
    assert "ssn" not in schemas["CustomerUpdate"]["properties"]


def test_the_sandbox_shows_an_account_number_as_in_the_documented_example(server: SandboxServer) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    listed = httpx.get(f"{server.api_url}/clients/2218/customers", headers=headers).json()["customers"]

    assert listed
    assert {type(record["accountNo"]) for record in listed} == {int}


def test_the_description_is_served(server: SandboxServer) -> None:
    assert httpx.get(f"{server.url}/openapi.json").json()["paths"].keys() == {path for _, path in OPERATIONS}

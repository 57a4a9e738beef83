"""Models, client and sandbox say the same."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema
import pytest
from pydantic import ValidationError

from armrest.model import CUSTOMERS
from armrest.sandbox import TOKEN, Behaviour, Sandbox, SandboxServer
from armrest.sandbox.http.openapi import OPERATIONS, description
from armrest.sandbox.http.routes import ROUTES
from tests.api.documented_list import CUSTOMER, LIST
from tests.sandbox.asking import content, poll, put

SECONDS_TO_WAIT: Final = 10
ROOT: Final = Path(__file__).parents[3]
PLUGINS: Final = [
    word
    for plugin in ("asyncio", "timeout", "hypothesispytest", "schemathesis", "no:cacheprovider")
    for word in ("-p", plugin)
]


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1) as server:
        server.records.load(2218, [{"customerNo": "10001", "name": "Kari"}])
        yield server


@pytest.mark.hypothesis
def test_every_answer_is_as_described_and_the_client_can_read_it(pytestconfig: pytest.Config) -> None:
    """In a process of its own: all processes of the tests would pay for schemathesis, and it takes 2.5 s to import."""
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-o", "addopts=--import-mode=importlib", *PLUGINS]
    file = Path(__file__).with_name("described_answers.py")
    seed = pytestconfig.getoption("hypothesis_seed", None)
    words += [f"--hypothesis-seed={seed}"] if seed else []
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ended = subprocess.run([*words, str(file)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{len(OPERATIONS)} passed" in ended.stdout


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
    ("field", "text"), [("customerNo", "a{}b"), ("dateOfBirth", "198{}-01-31")], ids=["customerNo", "dateOfBirth"]
)
def test_schema_and_models_admit_the_same_characters(field: str, text: str) -> None:
    schema = description()["components"]["schemas"]["CustomerUpdate"]["properties"][field]
    of_schema = jsonschema.Draft202012Validator(schema)
    signs = [*map(chr, range(0xD800)), *map(chr, range(0xE000, 0x10000)), "\U0001d7ce"]
    customers: list[dict[str, str]] = [{"customerNo": "1", field: text.format(sign)} for sign in signs]

    with pytest.raises(ValidationError) as refused:
        CUSTOMERS.validate_python(customers)

    of_models = {signs[int(fault["loc"][0])] for fault in refused.value.errors()}
    assert {sign for sign in signs if not of_schema.is_valid(text.format(sign))} == of_models
    assert "\x85" in of_models


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

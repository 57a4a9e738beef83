"""The forms that Prefect makes of the flows' parameters explain themselves, and refuse what is wrong."""

import re
from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate

from flows.customer_fields import COLUMNS
from flows.source_parameters import RAILS
from tests.flows.host import FLOWS

FIELDS = [
    pytest.param(field, id=f"{flow.name} {name}")
    for flow in FLOWS.values()
    for name, field in parameter_schema(flow).properties.items()
]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_described(field: dict[str, Any]) -> None:
    assert len(field.get("description", "")) > 10


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_is_a_secret(field: dict[str, Any]) -> None:
    assert "writeOnly" not in str(field)
    assert not re.search(r"password|secret|token", field["title"], re.IGNORECASE)


@pytest.mark.parametrize("flow", FLOWS.values(), ids=list(FLOWS))
def test_every_flow_says_what_it_does_before_its_fields_are_told(flow: Any) -> None:
    said, _, _ = flow.description.partition("Args:")

    assert len(said.split()) > 10


def test_no_field_asks_for_none_and_none_shows_a_regular_expression() -> None:
    """Prefect would show them as `Property is type "None"`, and `does not match '^…'`."""
    for field in FIELDS:
        schema = field.values[0]
        assert "anyOf" not in schema, field.id
        assert "pattern" not in {*schema, *schema.get("items", {})}, field.id


def test_the_form_asks_first_what_matters_most() -> None:
    fields = parameter_schema(FLOWS["update-customers"]).properties
    names = sorted(fields, key=lambda name: fields[name]["position"])

    assert names[:4] == ["source", "client_no", "dry_run", "changes_only"]
    assert set(RAILS) == set(names[4 : 4 + len(RAILS)])
    assert names[4 + len(RAILS) :][:4] == ["on_guard", "approve_within", "client_no_is_right", "connection"]


A_TIME = "a length of time, such as 30m, 2h or 5 minutes"
A_SHARE = "a share, such as 20% or 20 percent"
A_BATCH = "a batchUuid, such as Jx0aZtLkQpC4vW2r8sYb9A"


@pytest.mark.parametrize(
    ("flow", "given", "expected"),
    [
        ("update-customers", {"client_no": 0}, "0 is less than the minimum of 1"),
        ("update-customers", {"source": ""}, "'' should be non-empty"),
        (
            "update-customers",
            {"source": "sftp://kari:hush@host/customers.csv"},
            "'an address without a login, such as sftp://host/customers.csv' was expected",
        ),
        (
            "update-customers",
            {"connection": "Production!"},
            "'the name of a block ArmConnection, such as staging' was expected",
        ),
        ("update-customers", {"on_guard": "perhaps"}, "'perhaps' is not one of ['refuse', 'ask']"),
        ("update-customers", {"approve_within": "a day"}, f"'{A_TIME}' was expected"),
        ("update-customers", {"max_changed": "20"}, f"'{A_SHARE}' was expected"),
        ("update-customers", {"batch_size": -1}, "-1 is less than the minimum of 0"),
        ("update-customers", {"deadline": "soon"}, f"'{A_TIME}' was expected"),
        ("update-customers", {"max_source_age": "old"}, f"'{A_TIME}' was expected"),
        (
            "rerun-failed-batches",
            {"run_id": "the one of yesterday"},
            '"a run\'s id, such as 20261128-194551-2218-jmhwhdzt" was expected',
        ),
        ("rerun-failed-batches", {"batch_uuids": ["no uuid"]}, f"'{A_BATCH}' was expected"),
        ("rerun-failed-batches", {"only": "some"}, "'some' is not one of ['failed', 'lost', 'all']"),
        ("settle-open-batches", {"lost_after": "a week"}, f"'{A_TIME}' was expected"),
        ("verify-customers", {"sample": -1}, "-1 is less than the minimum of 0"),
        ("purge", {"older_than": "a month"}, f"'{A_TIME}' was expected"),
        ("purge", {"older_than": "3M"}, f"'{A_TIME}' was expected"),
        (
            "update-customer",
            {"customer_no": "Kari Nordmann"},
            "'a customer number without spaces, such as 10007' was expected",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_wrong_value_is_refused_before_a_run_is_made_in_words(
    flow: str, given: dict[str, Any], expected: str
) -> None:
    """Prefect's server validates a form like this, and shows the message at the field."""
    (name,) = given
    schema = {**parameter_schema(FLOWS[flow]).model_dump(), "required": []}

    [error] = validate(given, schema)

    assert error.message == expected
    assert error.absolute_path[0] == name


def test_a_field_that_may_be_cleared_is_one_of_a_list() -> None:
    schema = {**parameter_schema(FLOWS["update-customers"]).model_dump(), "required": []}

    [error] = validate({"clear": ["shoeSize"]}, schema)

    assert error.message.startswith("'shoeSize' is not one of ['all', 'name', ")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ({"max_changed": "20 prosent", "max_rejected": "2,5 %"}, {"max_changed": "20%", "max_rejected": "2.5%"}),
        ({"max_changed": "", "batch_size": 0, "user_id": " "}, {"max_changed": None, "batch_size": None}),
        ({"deadline": "5 minutes", "max_source_age": "26 Timer"}, {"deadline": "5 minutes"}),
        ({"max_changed": None, "batch_size": None}, {"max_changed": None, "batch_size": None}),
    ],
    ids=["shares", "empty", "times", "null"],
)
def test_what_people_write_is_understood(typed: dict[str, Any], stored: dict[str, Any]) -> None:
    flow = FLOWS["update-customers"]
    parameters = {"source": "customers.csv", "client_no": 2218, **typed}

    if None not in typed.values():
        assert validate(parameters, parameter_schema(flow).model_dump()) == []
    assert stored.items() <= flow.validate_parameters(parameters).items()


def test_one_customer_has_a_field_for_each_column_and_programs_may_still_pass_changes() -> None:
    flow = FLOWS["update-customer"]
    fields = parameter_schema(flow).properties

    assert set(COLUMNS) < set(fields)
    assert "changes" not in fields
    assert flow.validate_parameters({"client_no": 1, "customer_no": "1", "changes": {"name": "K"}})["changes"]

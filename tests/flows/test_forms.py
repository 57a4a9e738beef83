"""The forms that Prefect makes of the flows' parameters explain themselves, and refuse what is wrong."""

import re
from typing import Any

import jsonschema
import pytest
from prefect.utilities.callables import parameter_schema

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


@pytest.mark.parametrize(
    ("flow", "given"),
    [
        ("update-customers", {"client_no": 0}),
        ("update-customers", {"source": ""}),
        ("update-customers", {"source": "sftp://kari:hush@host/customers.csv"}),
        ("update-customers", {"connection": "Production!"}),
        ("update-customers", {"on_guard": "perhaps"}),
        ("update-customers", {"approve_within": "a day"}),
        ("update-customers", {"max_changed": "20"}),
        ("update-customers", {"batch_size": 0}),
        ("update-customers", {"deadline": "soon"}),
        ("update-customers", {"clear": ["shoeSize"]}),
        ("rerun-failed-batches", {"run_id": "the one of yesterday"}),
        ("rerun-failed-batches", {"batch_uuids": ["no uuid"]}),
        ("rerun-failed-batches", {"only": "some"}),
        ("settle-open-batches", {"lost_after": "a week"}),
        ("verify-customers", {"sample": 0}),
        ("purge", {"older_than": "a month"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_wrong_value_is_refused_by_the_form(flow: str, given: dict[str, Any]) -> None:
    (name,) = given
    schema = parameter_schema(FLOWS[flow]).properties[name]

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given[name], schema)

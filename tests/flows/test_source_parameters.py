"""Flow parameters, flags and stored request are made from one declaration of a source's options."""

import inspect

import pytest
import typer.main
from prefect.client.schemas import State
from prefect.states import Completed
from prefect.utilities.callables import parameter_schema

from armrest.app.source_options import SourceOptions
from armrest.app.source_parameters import SourceParameters, option_of
from armrest.model import SourceReading, SourceRequest
from flows.cli.app import app
from flows.source_parameters import with_source_parameters
from flows.update_customers import update_customers
from tasks.connections import load_settings

OPTIONS = list(SourceParameters.model_fields)
STORED_AS = {"max_source_age": "max_source_age_seconds"}


@with_source_parameters
async def read(client_no: int, *, connection: str = "", reading: SourceOptions, wait: str = "0s") -> State:
    """Read a source.

    Args:
        client_no: The client.
        connection: The connection.
        reading: Each option is a parameter.
        wait: How long.
    """
    return Completed(data=(client_no, connection, reading, wait))


def test_the_options_stand_where_the_flow_says_and_the_source_comes_first() -> None:
    assert list(inspect.signature(read).parameters) == ["source", "client_no", "connection", *OPTIONS[1:], "wait"]


def test_the_form_shows_each_option_with_its_text_and_default() -> None:
    fields = parameter_schema(read).properties

    for name in OPTIONS:
        assert " ".join(fields[name]["description"].split()) == option_of(name).form
    assert fields["max_rejected"]["default"] == "5%"
    assert fields["wait"]["description"] == "How long."
    assert "reading" not in fields


async def test_the_flow_gets_the_options_as_one() -> None:
    state = await read("c.csv", 2218, clear=("name",), min_rows="50%")

    assert await state.result() == (2218, "", SourceOptions(source="c.csv", clear=("name",), min_rows="50%"), "0s")


def test_the_flow_and_its_command_have_every_option() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    flags = {parameter.name for parameter in commands["update-customers"].params}

    assert set(OPTIONS) <= flags
    assert set(OPTIONS) <= set(inspect.signature(update_customers.fn).parameters)


def test_check_has_every_option_that_does_not_compare() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    flags = {parameter.name for parameter in commands["check"].params}

    assert flags & set(OPTIONS) == {name for name in OPTIONS if not option_of(name).compares}


@pytest.mark.usefixtures("set_up")
def test_a_run_stores_every_option() -> None:
    given = {
        "source": "/srv/c.csv",
        "encoding": "cp865",
        "header_row": 5,
        "clear": ("name",),
        "address_policy": "merge",
        "duplicates": "last",
        "changes_only": True,
        "max_rejected": "7",
        "max_changed": "20%",
        "max_warned": "12",
        "min_rows": "50%",
        "check_profile": True,
        "max_source_age": "1h",
    }
    stored = SourceOptions(**given).request(load_settings()).model_dump()  # type: ignore[arg-type]

    assert {STORED_AS.get(name, name) for name in OPTIONS} <= SourceRequest.model_fields.keys()
    for name, value in given.items():
        assert stored[STORED_AS.get(name, name)] == (3600.0 if name == "max_source_age" else value)
    assert set(SourceReading.model_fields) - given.keys() == {"mapping"}

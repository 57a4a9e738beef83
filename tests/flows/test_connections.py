"""Several ARMs side by side, chosen by name: each with its own login, its own clients, its own permission."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from armrest.sandbox import SandboxServer
from tests import patient_http
from tests.conftest import CLIENT_NO, Shell, plain_environment
from tests.flows.conftest import RunFlow
from tests.flows.connections import Connections, registered

pytestmark = pytest.mark.xdist_group("prefect-flows")

Write = Callable[..., str]
FILE = "customerNo,name\n10001,Kari\n10002,Ola\n"


@pytest.fixture(scope="module")
def connections(prefect_server: Mapping[str, str]) -> Connections:
    registered(plain_environment() | prefect_server)
    return Connections(prefect_server["PREFECT_API_URL"])


@pytest.fixture
def sandbox(arm: SandboxServer) -> dict[str, Any]:
    """What a connection to the sandbox says."""
    return {"environment": "sandbox", "api_url": arm.api_url, "token": arm.token, "user_id": "kari"}


@pytest.fixture
def unset(settings: dict[str, str], run_flow: RunFlow) -> RunFlow:
    """Flows where no variable says anything of ARM."""
    settings |= {"ARMREST_API_URL": "", "ARMREST_TOKEN": "", "ARMREST_USER_ID": ""}
    return run_flow


def test_one_command_puts_it_into_the_catalogue(connections: Connections) -> None:
    kind = patient_http.get(f"{connections.address}/block_types/slug/arm-connection").json()

    assert kind["name"] == "ArmConnection"
    assert "allow_updates" in kind["description"]
    assert "ArmConnection.load" in kind["code_example"]


def test_a_flow_reaches_arm_by_a_connections_name_alone(
    connections: Connections, sandbox: dict[str, Any], unset: RunFlow, file: Write, arm: SandboxServer
) -> None:
    connections.keep("sandbox", **sandbox)

    sent = unset("update-customers", source=file(FILE), client_no=CLIENT_NO, connection="sandbox")
    equal = unset("verify-customers", source=file(FILE), client_no=CLIENT_NO, connection="sandbox")
    single = unset(
        "update-customer", client_no=CLIENT_NO, customer_no="10001", changes={"name": "Liv"}, connection="sandbox"
    )
    swept = unset("settle-open-batches", connection="sandbox")

    assert [ended.name for ended in (sent, equal, single, swept)] == ["Completed"] * 4
    assert b'"userId":"kari"' in arm.records.batches()[0].body.replace(b" ", b"")


def test_production_is_read_but_not_written_until_its_own_switch_is_on(
    connections: Connections, sandbox: dict[str, Any], unset: RunFlow, file: Write, arm: SandboxServer
) -> None:
    given: dict[str, Any] = {"source": file(FILE), "client_no": CLIENT_NO, "connection": "production"}
    connections.keep("production", **sandbox | {"environment": "production"})

    planned = unset("update-customers", **given, dry_run=True)
    refused = unset("update-customers", **given)
    applied = unset("apply-plan", plan_id=planned.flow_run_id)
    compared = unset("verify-customers", **given)

    assert (planned.name, refused.name, applied.name) == ("Completed", "Refused", "Refused")
    assert "the connection production allows no updates" in refused.message
    assert "the connection production allows no updates" in applied.message
    assert compared.name == "Drift"
    assert arm.records.batches() == []

    connections.keep("production", **sandbox | {"environment": "production", "allow_updates": True})
    assert unset("apply-plan", plan_id=planned.flow_run_id).name == "Completed"


def test_a_client_that_a_connection_may_not_touch_is_refused(
    connections: Connections, sandbox: dict[str, Any], unset: RunFlow, file: Write, arm: SandboxServer
) -> None:
    connections.keep("sandbox", **sandbox, clients=[19])

    ended = unset("update-customers", source=file(FILE), client_no=CLIENT_NO, connection="sandbox")

    assert f"client {CLIENT_NO} is not in the list of the connection sandbox: 19" in ended.message
    assert arm.records.batches() == []


def test_a_rerun_goes_through_the_connection_that_the_run_was_made_with(
    connections: Connections, sandbox: dict[str, Any], unset: RunFlow, file: Write, arm: SandboxServer
) -> None:
    connections.keep("sandbox", **sandbox)
    connections.keep("other", **sandbox)
    arm.behaviour.refuse_customers = frozenset({"10002"})
    failed = unset("update-customers", source=file(FILE), client_no=CLIENT_NO, connection="sandbox")
    arm.behaviour.refuse_customers = frozenset()

    astray = unset("rerun-failed-batches", run_id=failed.flow_run_id, connection="other")
    healed = unset("rerun-failed-batches", run_id=failed.flow_run_id)

    assert failed.name == "PartlyFailed"
    assert "was made with the connection sandbox, not other" in astray.message
    assert (healed.name, healed.message) == ("Completed", "1 of 1 customer updated")


def test_a_name_that_prefect_does_not_know_is_told(connections: Connections, unset: RunFlow, file: Write) -> None:
    ended = unset("update-customers", source=file(FILE), client_no=CLIENT_NO, connection="stagin")

    assert "connection stagin: Prefect has no such block" in ended.message


def test_a_block_that_cannot_be_used_is_told_by_the_fields_at_fault(
    connections: Connections, sandbox: dict[str, Any], unset: RunFlow, file: Write
) -> None:
    connections.keep("broken", **sandbox | {"api_url": "https://kari:hush@api.example.no"})

    ended = unset("update-customers", source=file(FILE), client_no=CLIENT_NO, connection="broken")

    assert "connection broken: the block cannot be used: api_url: must not hold a user name" in ended.message
    assert "hush" not in ended.message


def test_the_command_line_takes_a_connection_too(
    connections: Connections, sandbox: dict[str, Any], prefect_shell: Shell, file: Write, tmp_path: Path
) -> None:
    connections.keep("sandbox", **sandbox)
    prefect_shell.variables |= {"ARMREST_API_URL": "", "ARMREST_TOKEN": ""}

    sent = prefect_shell("update-customers", file(FILE), "--client-no", "2218", "--connection", "sandbox", "--json")
    resumed = prefect_shell("resume", sent.json["run_id"], "--json")

    assert (sent.exit_code, sent.json["state"]) == (0, "Completed")
    assert (resumed.exit_code, resumed.json["state"]) == (0, "Completed")


def test_a_flow_reads_a_database_that_only_a_block_names(
    connections: Connections, sandbox: dict[str, Any], unset: RunFlow, tmp_path: Path, arm: SandboxServer
) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as crm:
        crm.execute("CREATE TABLE customers (customerNo TEXT, name TEXT)")
        crm.execute("INSERT INTO customers VALUES ('10001', 'Kari')")
    crm.close()
    connections.keep("sandbox", **sandbox)
    Connections(connections.address, "sql-source").keep("crm", url=f"sqlite:///{tmp_path}/crm.db", query="customers")

    sent = unset("update-customers", source="sql:crm", client_no=CLIENT_NO, connection="sandbox")
    unknown = unset("update-customers", source="sql:erp", client_no=CLIENT_NO, connection="sandbox")

    assert (sent.name, sent.message) == ("Completed", "1 of 1 customer updated")
    assert unknown.name == "InputRejected"

"""Nothing personal and nothing secret in Prefect's database, nor in its logs, whatever was run and however it ended."""

import csv
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from armrest.sandbox import SandboxServer, write_sample
from tests.conftest import CLIENT_NO, plain_environment
from tests.flows.conftest import FlowEnded, RunFlow
from tests.flows.connections import Connections, registered
from tests.flows.history import History
from tests.flows.steps.test_approval import answer

pytestmark = pytest.mark.xdist_group("prefect-flows")

PERSONAL: Final = (
    *("name", "phoneNo", "organizationNo", "dateOfBirth", "addressLine1", "addressLine2"),
    *("emailAddressDocument", "secondaryEmailAddress"),
)
"""Postal codes and cities are no needles: four digits stand everywhere, and `Europe/Oslo` is a time zone."""
SHORTEST: Final = 5


@pytest.fixture
def people(tmp_path: Path) -> list[dict[str, str]]:
    """A sample of customers, some of whom are rejected before anything is sent."""
    write_sample(tmp_path / "customers.csv", customers=200, seed=3, wrong=0.02)
    with (tmp_path / "customers.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def everything(
    people: list[dict[str, str]], tmp_path: Path, run_flow: RunFlow, history: History, arm: SandboxServer
) -> dict[str, FlowEnded]:
    """A run with failures, and all that people do about it; a pause past a guard rail; a customer typed into a form."""
    source = str(tmp_path / "customers.csv")
    given: dict[str, Any] = {"source": source, "client_no": CLIENT_NO, "batch_size": 50, "connection": "private"}
    arm.behaviour.refuse_customers = frozenset({"10050", "10051"})
    arm.behaviour.poison_customers = frozenset({"10100"})
    arm.behaviour.poison_named = True
    failed = run_flow("update-customers", **given, max_rejected="10%")
    arm.behaviour.poison_customers = frozenset()
    arm.records.load(CLIENT_NO, [{"customerNo": "10002", "name": "Someone Else Altogether"}])
    (tmp_path / "few.csv").write_text("".join((tmp_path / "customers.csv").read_text("utf-8").splitlines(True)[:3]))
    person = threading.Thread(target=answer, args=(history, "approve"))
    person.start()
    rail = {"source": str(tmp_path / "few.csv"), "min_rows": "50%", "on_guard": "ask", "approve_within": "90s"}
    asked = run_flow("update-customers", **given | rail)
    person.join()
    one = people[20]
    return {
        "PartlyFailed": failed,
        "Completed": asked,
        "rerun": run_flow("rerun-failed-batches", run_id=failed.flow_run_id),
        "Refused": run_flow("resume-run", run_id=failed.flow_run_id),
        "retry": run_flow("update-customers", retry=failed.flow_run_id),
        "Drift": run_flow("verify-customers", source=source, client_no=CLIENT_NO, connection="private"),
        "dry run": run_flow("update-customers", **given, max_rejected="10%", dry_run=True),
        "InputRejected": run_flow("update-customers", **given, max_rejected="0"),
        "single": run_flow(
            "update-customer",
            client_no=CLIENT_NO,
            customer_no=one["customerNo"],
            **{name: one[name] for name in ("name", "phoneNo") if one[name]},
            connection="private",
            deployed=True,
        ),
        "changes": run_flow(
            "update-customer",
            client_no=CLIENT_NO,
            customer_no=one["customerNo"],
            changes={"name": one["name"]},
            connection="private",
            deployed=True,
        ),
        "history": run_flow("customer-history", client_no=CLIENT_NO, customer_no=one["customerNo"]),
        "history by name": run_flow("customer-history", client_no=CLIENT_NO, customer_no=one["name"]),
        "export": run_flow("export-run", run_id=failed.flow_run_id),
        "doctor": run_flow("doctor"),
        "inbox": run_flow("inbox"),
    }


@pytest.fixture(autouse=True)
def connection(prefect_server: Mapping[str, str], arm: SandboxServer) -> None:
    registered(plain_environment() | prefect_server)
    kept = {"environment": "sandbox", "api_url": arm.api_url, "token": arm.token, "user_id": "kari"}
    Connections(prefect_server["PREFECT_API_URL"]).keep("private", **kept)


def dumped_with_all_logs(dumped: Callable[[], str], flow_run_ids: Sequence[str]) -> str:
    """The dump, as soon as the server has written down the events of these flow runs, too."""
    until = time.monotonic() + 300
    wanted = [f"prefect.flow-run.{flow_run_id}" for flow_run_id in flow_run_ids]
    while not all(resource in (text := dumped()) for resource in wanted) and time.monotonic() < until:
        time.sleep(0.5)
    assert all(resource in text for resource in wanted)
    return text


def cells_of(people: list[dict[str, str]]) -> set[str]:
    cells = (cell for one in people for column in PERSONAL for cell in (one.get(column) or "").split(";"))
    return {cell.strip() for cell in cells if len(cell.strip()) >= SHORTEST}


def test_nothing_personal_and_no_secret_is_in_prefects_database(
    people: list[dict[str, str]],
    everything: dict[str, FlowEnded],
    dumped: Callable[[], str],
    arm: SandboxServer,
) -> None:
    text = dumped_with_all_logs(dumped, [ended.flow_run_id for ended in everything.values()])

    needles = cells_of(people)
    assert {name: everything[name].name for name in ("PartlyFailed", "Completed", "Drift", "InputRejected")} == {
        name: name for name in ("PartlyFailed", "Completed", "Drift", "InputRejected")
    }
    assert {everything[name].name for name in ("single", "changes", "history", "export")} == {"Completed"}
    assert everything["history by name"].name == "InputRejected"
    assert len(needles) > 700
    assert everything["Refused"].name == "Refused"
    assert all(what in text for what in ("arm-failed-customers-2218", "arm-rejected-rows-2218", "armrest.run.asks"))
    assert '"10050"' in text.replace("\\", ""), "the dump reaches what artifacts hold"
    assert [needle for needle in needles if needle in text] == []
    assert arm.token not in text


def test_a_single_update_cannot_be_retried_with_values_that_are_gone(
    run_flow: RunFlow, history: History, arm: SandboxServer
) -> None:
    arm.records.load(2218, [{"customerNo": "10001", "name": "Kari"}])
    ended = run_flow("update-customer", client_no=2218, customer_no="10001", changes={"name": "Ola Utpost"})

    again = run_flow("update-customer", retry=ended.flow_run_id)

    assert history.flow_run(ended.flow_run_id)["parameters"]["changes"] == {"name": "(taken out)"}
    assert (ended.name, again.name) == ("Completed", "InputRejected")
    held = arm.records.customer(2218, "10001")
    assert held
    assert held["name"] == "Ola Utpost"


def test_a_file_without_a_header_and_a_name_for_a_number_leave_no_trace(
    run_flow: RunFlow, dumped: Callable[[], str], history: History, tmp_path: Path
) -> None:
    (tmp_path / "headerless.csv").write_text("10001;Kari Utenhode;Storgata 77b\n10002;Ola;Gata 2\n", encoding="utf-8")
    (tmp_path / "shifted.csv").write_text("customerNo,name\n15108695088,Kari\nHerr Utenplass,Ola\n", encoding="utf-8")

    file = run_flow("update-customers", source=str(tmp_path / "headerless.csv"), client_no=CLIENT_NO)
    rejected = run_flow("update-customers", source=str(tmp_path / "shifted.csv"), client_no=CLIENT_NO)
    single = run_flow("update-customer", client_no=CLIENT_NO, customer_no="15108695088", changes={"91234567": "x"})

    ended = [file.flow_run_id, rejected.flow_run_id, single.flow_run_id]
    text = dumped_with_all_logs(dumped, ended)
    known = history.flow_run(single.flow_run_id)
    assert (file.name, "column 1" in file.message) == ("InputRejected", True)
    assert single.name == "InputRejected"
    assert (known["name"], known["parameters"]["customer_no"]) == ("2218 · no customer number", "(taken out)")
    listed = history.artifacts(rejected.flow_run_id)["arm-rejected-rows-2218"]
    assert [(row["row"], row["customerNo"]) for row in listed] == [(3, "")]
    assert [needle for needle in ("Utenhode", "Storgata 77b", "15108695088", "Utenplass") if needle in text] == []

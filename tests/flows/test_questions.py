"""The flows that answer a question in the browser: a customer, a run as a file, the worker, the inbox."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from armrest.outbox import Outbox, find_run, save_flow_run_link
from armrest.sandbox import SandboxServer
from tests.conftest import CLIENT_NO
from tests.flows.conftest import FlowEnded, RunFlow
from tests.flows.history import History
from tests.flows.test_left_behind import Server

pytestmark = pytest.mark.xdist_group("prefect-flows")

Settings = dict[str, str]


@pytest.fixture
def inbox_folder(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    settings["ARMREST_INBOX"] = str(folder)
    return folder


@pytest.fixture
def sent(run_flow: RunFlow, inbox_folder: Path, arm: SandboxServer) -> FlowEnded:
    """A run of four customers, one of whom ARM refuses."""
    arm.behaviour.refuse_customers = frozenset({"10003"})
    rows = "".join(f"{number},Kunde {number}\n" for number in range(10001, 10005))
    (inbox_folder / "customers.csv").write_text("customerNo,name\n" + rows, encoding="utf-8")
    return run_flow("update-customers", source="customers.csv", client_no=CLIENT_NO, deployed=True)


def artifact(history: History, ended: FlowEnded, key: str) -> Any:
    return history.artifacts(ended.flow_run_id)[key]


def test_what_happened_to_a_customer(run_flow: RunFlow, sent: FlowEnded, history: History) -> None:
    again = run_flow("rerun-failed-batches", run_id=sent.flow_run_id)

    ended = run_flow("customer-history", client_no=CLIENT_NO, customer_no=" 10003 ", deployed=True)

    text = artifact(history, ended, f"arm-customer-{CLIENT_NO}")
    newest, oldest = text.split("### ")[1:]
    assert ended.name == "Completed"
    assert ended.message.startswith("customer 10003: ARM refused the customer, 20")
    assert ended.message.endswith(" UTC; 2 runs")
    assert f"../../runs/flow-run/{again.flow_run_id}" in newest
    assert f"../../runs/flow-run/{sent.flow_run_id}" in oldest
    for event in (newest, oldest):
        assert event.splitlines()[0].endswith(" UTC: ARM refused the customer")
        assert {"- reason: The customer was refused", "- file: `customers.csv`", "- fields: name"} <= {
            *event.splitlines()
        }
        assert "- batchUuid: `" in event
    assert history.flow_run(ended.flow_run_id)["name"] == f"{CLIENT_NO} · 10003"


def test_the_update_of_one_customer_is_a_link_too_whatever_its_end(
    run_flow: RunFlow, history: History, arm: SandboxServer, settings: Settings
) -> None:
    arm.records.load(CLIENT_NO, [{"customerNo": "10009", "name": "Kunde 10009"}])
    form = {"client_no": CLIENT_NO, "customer_no": "10009", "phoneNo": "91234567", "deployed": True}
    good = run_flow("update-customer", **form)
    arm.behaviour.clients = frozenset()
    bad = run_flow("update-customer", **form)
    sweep = run_flow("settle-open-batches")

    ended = run_flow("customer-history", client_no=CLIENT_NO, customer_no="10009")

    text = artifact(history, ended, f"arm-customer-{CLIENT_NO}")
    newest, oldest = text.split("### ")[1:]
    assert (good.name, bad.name, sweep.name) == ("Completed", "Failed", "Completed")
    assert f"../../runs/flow-run/{bad.flow_run_id}" in newest
    assert f"../../runs/flow-run/{good.flow_run_id}" in oldest
    assert history.artifacts(good.flow_run_id) == history.artifacts(bad.flow_run_id) == {}, "a sweep wrote a report"
    assert history.flow_run(bad.flow_run_id)["state"]["message"] == bad.message


def test_a_customer_that_no_run_has_and_a_name_in_its_place(run_flow: RunFlow, history: History) -> None:
    unknown = run_flow("customer-history", client_no=CLIENT_NO, customer_no="99999")
    name = run_flow("customer-history", client_no=CLIENT_NO, customer_no="Kari Nordmann")

    assert (unknown.name, unknown.message) == (
        "Completed",
        f"no run of client {CLIENT_NO} has customer 99999: check both numbers",
    )
    assert (name.name, name.message) == ("InputRejected", "customer_no: write a customer number, such as 10007")
    assert "Kari" not in str(history.flow_run(name.flow_run_id))


def test_a_run_as_a_file(run_flow: RunFlow, sent: FlowEnded, history: History, settings: Settings) -> None:
    ended = run_flow("export-run", run_id=sent.flow_run_id, file_format="csv", deployed=True)

    [file] = (Path(settings["ARMREST_HOME"]) / "exports").iterdir()
    assert ended.name == "Completed"
    assert ended.message.startswith("4 customers of run ")
    assert f" in {file} on " in ended.message
    assert f"| File | `{file}` |" in artifact(history, ended, f"arm-export-{CLIENT_NO}")
    assert "10003,failed," in file.read_text("utf-8-sig")
    assert file.parent.stat().st_mode & 0o077 == 0
    unknown = run_flow("export-run", run_id="20260101-000000-2218-abcdefgh")
    assert unknown.name == "InputRejected"
    assert unknown.message.startswith("run_id: no run 20260101-000000-2218-abcdefgh in the ledger")


def test_a_worker_that_is_in_order(run_flow: RunFlow, settings: Settings, history: History, inbox_folder: Path) -> None:
    settings["ARMREST_CLIENTS"] = str(CLIENT_NO)

    ended = run_flow("doctor")

    text = artifact(history, ended, "arm-worker")
    assert inbox_folder
    assert "| ✓ | environment | " in text
    assert "| ✓ | ARM | " in text
    assert "with that worker's settings" in text


def test_a_worker_without_its_environment_is_found(run_flow: RunFlow, history: History, settings: Settings) -> None:
    home = settings["ARMREST_HOME"]
    for name in settings:
        settings[name] = ""
    settings |= {"ARMREST_CLIENTS": str(CLIENT_NO), "HOME": home}

    ended = run_flow("doctor")

    text = artifact(history, ended, "arm-worker")
    assert ended.name == "NotReady"
    assert ended.message.startswith("Not in order: environment: no ARMREST_ setting but ARMREST_CLIENTS, ")
    assert "restart the worker" in ended.message
    assert "| ✗ | ARM | ARMREST_API_URL is not set" in text


def test_runs_that_do_not_go_on_are_listed(
    run_flow: RunFlow, sent: FlowEnded, history: History, settings: Settings, prefect_server: Mapping[str, str]
) -> None:
    """A run without a live process is stuck if Prefect still says that it runs."""
    server = Server(prefect_server["PREFECT_API_URL"])
    settings["ARMREST_LATE_SECONDS"] = "10"
    deployment = server.deployment("update-customers", "manual")
    late, pending, paused, killed = (
        server.post(f"deployments/{deployment}/create_flow_run", {"name": name, "parameters": {}})["id"]
        for name in ("late one", "pending one", "paused one", "killed one")
    )
    server.put(pending, "PENDING")
    server.put(paused, "PAUSED")
    server.put(killed, "RUNNING")
    with Outbox.open(f"sqlite:///{settings['ARMREST_HOME']}/ledger.db", "memory://") as outbox:
        run = find_run(outbox.ledger, sent.flow_run_id)
        save_flow_run_link(outbox.ledger, run, killed)
    time.sleep(11)  # the server's clock decides how old a state is

    ended = run_flow("doctor")

    text = artifact(history, ended, "arm-worker")
    listed = {line.split("]")[0].removeprefix("| ["): line for line in text.splitlines() if line.startswith("| [")}
    for flow_run in (late, pending, paused, killed):
        server.put(flow_run, "CANCELLED")
    assert ended.name == "NotReady"
    assert "not going on" in ended.message
    assert "late: no worker takes it" in listed["late one"]
    assert "its worker has died" in listed["pending one"]
    assert "it asks you" in listed["paused one"]
    assert f"start carry-on-a-run with run_id {run.run_id}" in listed["killed one"]
    assert f"../../runs/flow-run/{late}" in listed["late one"]


def test_what_lies_in_the_inbox(run_flow: RunFlow, sent: FlowEnded, history: History, inbox_folder: Path) -> None:
    (inbox_folder / "may").mkdir()
    (inbox_folder / "may" / "new.csv").write_text("customerNo\n", encoding="utf-8")
    (inbox_folder / ".hidden").write_text("x", encoding="utf-8")
    ago = time.time() - 3 * 3600
    os.utime(inbox_folder / "customers.csv", (ago, ago))

    ended = run_flow("inbox", deployed=True)

    new, customers = artifact(history, ended, "arm-inbox")
    assert sent.name == "PartlyFailed"
    assert (ended.name, ended.message) == ("Completed", "2 files in the inbox, 1 not checked since last written")
    assert (new["file"], new["checked"], new["size"]) == ("may/new.csv", "no: no run has read it", "11 bytes")
    assert (customers["file"], customers["age"]) == ("customers.csv", "3 hours")
    assert re.match(rf"PartlyFailed, client {CLIENT_NO}, 20\d\d-\d\d-\d\d ", customers["checked"])
    assert customers["changed"].endswith(" UTC")


def test_without_an_inbox_the_sentence_says_what_to_set(run_flow: RunFlow) -> None:
    ended = run_flow("inbox")

    assert (ended.name, ended.message) == (
        "NotReady",
        "no inbox is set on this worker: set ARMREST_INBOX where the worker starts",
    )

"""A home and a Prefect database of version 0.1.0 are opened, migrated and carried on by today's code.

The tests share one installation, and each has a client of its own.
"""

import base64
import importlib
import json
import pickle

import httpx
import pytest
from prefect import Flow

from armrest.outbox import State, batches_in, find_run, summary
from tests.flows.history import patiently
from tests.upgrade.conftest import Upgraded
from tests.upgrade.unpack import ARCHIVE, CASES

pytestmark = [pytest.mark.xdist_group("upgrade"), pytest.mark.long]

MOST_BYTES = 500_000
LOAD_CONNECTION = """
import json
from tasks.blocks import ArmConnection
block = ArmConnection.load("sandbox", _sync=True)
print(json.dumps([block.environment, block.api_url, block.clients, block.token.get_secret_value(), block.user_id]))
"""
SAVE_CONNECTION = """
import asyncio
from armrest.app.environment import environment_settings
from deployments.blocks import save_sandbox
settings = environment_settings().model_copy(update={"clients": (2218,)})
print(f'"{asyncio.run(save_sandbox(settings))}"')
"""
LOAD_SQL = """
import json
from tasks.blocks import SqlSource
block = SqlSource.load("crm", _sync=True)
print(json.dumps([block.url.get_secret_value(), block.query]))
"""


def test_every_run_of_the_ledger_stands_as_it_was_left(upgraded: Upgraded) -> None:
    expected = {"completed": "Completed", "plan": "Planned", "paused": "Planned", "failed": "PartlyFailed"}
    expected |= {"refused": "Failed", "open": "Unsettled", "half_sent": "Sending"}

    with upgraded.outbox() as outbox:
        states = {name: summary(outbox.ledger, case.run_id).state for name, case in upgraded.cases.items()}

    assert states == expected


def test_a_waiting_plan_is_applied(upgraded: Upgraded) -> None:
    plan = upgraded.cases["plan"]

    ended = upgraded.flow("apply-plan", plan_id=plan.run_id)

    assert (ended.name, ended.message) == ("Completed", "4 of 4 customers updated")
    assert len(upgraded.arm.records.customers(plan.client_no)) == 4


def test_a_plan_whose_run_was_killed_while_it_asked_is_answered_in_prefect_and_applied(upgraded: Upgraded) -> None:
    """Prefect takes the answer, but no process is left to act on it: `apply-plan` sends the plan."""
    paused = upgraded.cases["paused"]
    assert upgraded.history.flow_run(paused.flow_run_id)["state"]["name"] == "Paused"
    address = f"{upgraded.history.address}/flow_runs/{paused.flow_run_id}/resume"
    answer = {"run_input": {"decision": "approve", "decided_by": "kari"}}

    resumed = patiently(lambda: httpx.post(address, json=answer, timeout=60))
    ended = upgraded.flow("apply-plan", plan_id=paused.flow_run_id)

    assert resumed.status_code == 201, resumed.text
    assert (ended.name, ended.message) == ("Completed", "1 of 1 customer updated")


def test_a_failed_run_is_sent_again(upgraded: Upgraded) -> None:
    failed = upgraded.cases["failed"]
    assert failed.ended == "PartlyFailed"

    ended = upgraded.flow("rerun-failed-batches", run_id=failed.flow_run_id)

    assert (ended.name, ended.message) == ("Completed", "1 of 1 customer updated")
    assert upgraded.arm.records.customers(failed.client_no)["10002"]["name"] == "Kunde 10002"


def test_a_stopped_run_goes_on_when_a_person_presses_retry(upgraded: Upgraded) -> None:
    """The error that stopped it is stored under a name that it no longer has, and nobody has to read it."""
    refused = upgraded.cases["refused"]

    ended = upgraded.flow("update-customers", retry=refused.flow_run_id)

    assert (ended.flow_run_id, ended.name) == (refused.flow_run_id, "Completed")
    assert len(upgraded.arm.records.customers(refused.client_no)) == 4


def test_a_half_sent_run_is_resumed_and_sends_nothing_twice(upgraded: Upgraded) -> None:
    half_sent = upgraded.cases["half_sent"]
    with upgraded.outbox() as outbox:
        accepted = batches_in(outbox.ledger, find_run(outbox.ledger, half_sent.run_id), [State.ACCEPTED])
    assert 2 <= len(accepted) < 4
    before = {batch.batch_uuid for batch in upgraded.arm.records.batches()}

    ended = upgraded.flow("resume-run", run_id=half_sent.flow_run_id)

    sent = [batch for batch in upgraded.arm.records.batches() if batch.batch_uuid not in before]
    numbers = [customer["customerNo"] for batch in sent for customer in json.loads(batch.body)["customers"]]
    assert (ended.name, ended.message) == ("Completed", "8 of 8 customers updated")
    assert sorted(numbers) == [str(10001 + number) for number in range(2 * len(accepted), 8)]
    states = upgraded.task_states(ended.flow_run_id, number=9)
    assert states["chunk 2223"] == "Cached"
    assert [states[f"submit-batch 2223 · {number:04d}"] for number in (1, 4)] == ["Cached", "Completed"]


def test_every_cached_result_can_be_read(upgraded: Upgraded) -> None:
    """They are pickles, which may name modules."""
    names = ("chunk *", "submit-batch *", "poll-batch-status *")
    files = [file for name in names for file in (upgraded.root / "prefect" / "storage").glob(name)]
    results = [base64.b64decode(json.loads(file.read_text())["result"]) for file in files]

    assert len(results) > len(CASES)
    assert {type(pickle.loads(result)) for result in results} == {int}


def test_an_open_batch_is_closed_by_the_sweep(upgraded: Upgraded) -> None:
    opened = upgraded.cases["open"]
    assert opened.ended == "Unsettled"

    upgraded.flow("settle-open-batches")

    with upgraded.outbox() as outbox:
        assert summary(outbox.ledger, opened.run_id).state == "Completed"
    assert upgraded.history.flow_run(opened.flow_run_id)["state"]["name"] == "SettledLater"


def test_stored_blocks_load_and_a_run_reads_and_sends_through_them(upgraded: Upgraded) -> None:
    environment, api_url, clients, token, user_id = upgraded.python(LOAD_CONNECTION)
    assert (environment, clients, token, user_id) == ("sandbox", [2218], upgraded.arm.token, "ola.nordmann")
    assert api_url.startswith("http://127.0.0.1:")
    assert upgraded.python(LOAD_SQL) == ["sqlite:///crm.db", "customers"]
    upgraded.python(SAVE_CONNECTION)  # the sandbox of then is gone

    ended = upgraded.flow("update-customers", source="sql:crm", client_no=2218, connection="sandbox")

    assert (ended.name, ended.message) == ("Completed", "2 of 2 customers updated")


def test_entrypoints_of_stored_deployments_still_lead_to_their_flows(upgraded: Upgraded) -> None:
    deployments = upgraded.history.ask("deployments/filter", {})
    flows = {flow["id"]: flow["name"] for flow in upgraded.history.ask("flows/filter", {})}

    assert len(deployments) == 10
    for deployment in deployments:
        module, _, name = deployment["entrypoint"].rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        assert isinstance(flow, Flow)
        assert flow.name == flows[deployment["flow_id"]]
        assert set(deployment["parameters"]) <= set(flow.parameters.properties)


def test_the_archive_is_small_and_has_a_case_of_each_kind(upgraded: Upgraded) -> None:
    assert upgraded.cases.keys() == CASES.keys()
    assert ARCHIVE.stat().st_size < MOST_BYTES

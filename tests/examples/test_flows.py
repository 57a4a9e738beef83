"""Each example runs on a real Prefect server, from a project that has only the wheel."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

import armrest
from armrest.sandbox import SandboxServer
from tests import patient_http
from tests.conftest import customers
from tests.examples.conftest import RunExample

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("prefect-flows")]


def test_customers_go_from_a_warehouse_to_arm_and_not_through_prefect(
    run_example: RunExample,
    deployment: None,
    arm: SandboxServer,
    settings: Mapping[str, str],
    prefect_server: Mapping[str, str],
    tmp_path: Path,
) -> None:
    warehouse = tmp_path / "warehouse.db"
    rows = [
        (f"{no}", f" Kunde {no} ", "91234567" if no % 2 else None, "Storgata 1", "155", "Oslo", 1)
        for no in range(101, 111)
    ]
    with closing(sqlite3.connect(warehouse)) as database, database:
        database.execute("CREATE TABLE customers (id, full_name, mobile, street, zip, city, active)")
        database.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    ended = run_example("warehouse_to_arm.py", f"sqlite:///{warehouse}", "2218")

    assert ended.stdout.splitlines()[-1] == "10 of 10 customers updated", ended.stderr
    (batch,) = arm.records.batches()
    assert batch.client_no == 2218
    runs = patient_http.post(f"{prefect_server['PREFECT_API_URL']}/flow_runs/filter", json={}).json()
    assert any(run["parameters"].get("source", "").endswith("/warehouse") for run in runs)
    assert "Kunde" not in str(runs)


def test_three_clients_are_sent_side_by_side(
    run_example: RunExample, arm: SandboxServer, settings: Mapping[str, str], tmp_path: Path
) -> None:
    for number in (2218, 2219, 2220):
        (tmp_path / f"{number}.csv").write_text(customers(3), encoding="utf-8")

    ended = run_example("three_clients.py", str(tmp_path))

    assert ended.stdout.splitlines()[-1] == str(
        {number: {"updated": 3, "unchanged": 0} for number in (2218, 2219, 2220)}
    ), ended.stderr
    assert sorted(batch.client_no for batch in arm.records.batches()) == [2218, 2219, 2220]
    assert len(armrest.connect(home=settings["ARMREST_HOME"]).runs()) == 3


def test_a_file_that_has_arrived_is_sent_and_put_away(
    run_example: RunExample, arm: SandboxServer, settings: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(customers(3), encoding="utf-8")

    ended = run_example("file_has_arrived.py", str(file), "2218")

    runs = armrest.connect(home=settings["ARMREST_HOME"]).runs()
    assert ended.stdout.splitlines()[-1:] == runs.runId.tolist(), ended.stderr
    assert runs.state.tolist() == ["Completed"]
    assert (tmp_path / "done" / "customers.csv").exists()
    assert not file.exists()


def test_a_file_with_fewer_customers_than_usual_is_not_sent(
    run_example: RunExample, arm: SandboxServer, settings: Mapping[str, str], tmp_path: Path
) -> None:
    connection = armrest.connect(**{name.removeprefix("ARMREST_").lower(): value for name, value in settings.items()})
    file = tmp_path / "customers.csv"
    file.write_text(customers(10), encoding="utf-8")
    connection.update_customers(file, client_no=2218)
    file.write_text(customers(3), encoding="utf-8")

    ended = run_example("file_has_arrived.py", str(file), "2218")

    assert ended.returncode == 1
    assert "RunRefused" in ended.stderr
    assert file.exists()
    assert len(arm.records.batches()) == 1

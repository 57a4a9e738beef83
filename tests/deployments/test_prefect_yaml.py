"""`prefect.yaml` puts up deployments whose forms explain themselves."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deployments.local_server import wait
from tests import patient_http
from tests.conftest import plain_environment, prefect_process
from tests.prefect_databases import PrefectDatabases

pytestmark = pytest.mark.xdist_group("prefect-flows")

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SIDE_BY_SIDE = "submit-slices/shard"
EXPECTED = {
    "update-customers/manual",
    "update-customers/nightly",
    "update-customer/update-one-now",
    "apply-plan/apply-a-plan",
    "rerun-failed-batches/send-failed-again",
    "resume-run/carry-on-a-run",
    "verify-customers/compare-with-arm",
    "customer-history/look-up-a-customer",
    "export-run/export-a-run",
    "doctor/check-the-worker",
    "inbox/look-into-the-inbox",
    "settle-open-batches/every-10-minutes",
    "purge/weekly",
    "report-night/every-morning",
    "submit-slices/shard",
}


def prefect(server: Mapping[str, str], *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *words],
        cwd=ROOT,
        env=plain_environment() | dict(server),
        check=True,
        capture_output=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def prefect_server(
    tmp_path_factory: pytest.TempPathFactory, prefect_databases: PrefectDatabases
) -> Iterator[dict[str, str]]:
    """A server of its own, where no other test has deployed anything."""
    with prefect_process(tmp_path_factory.mktemp("prefect"), prefect_databases) as server:
        yield server


@pytest.fixture(scope="module")
def deployed(prefect_server: Mapping[str, str]) -> dict[str, Any]:
    """All deployments by `flow/deployment`."""
    prefect(prefect_server, "work-pool", "create", "armrest", "--type", "process")
    prefect(prefect_server, "deploy", "--all")
    address = prefect_server["PREFECT_API_URL"]
    flows = {flow["id"]: flow["name"] for flow in patient_http.post(f"{address}/flows/filter", json={}).json()}
    found = patient_http.post(f"{address}/deployments/filter", json={}).json()
    return {f"{flows[one['flow_id']]}/{one['name']}": one for one in found}


def test_deploy_all_puts_up_every_deployment(deployed: dict[str, Any]) -> None:
    assert set(deployed) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_deployment_says_what_it_is_for_and_all_but_shards_wait_for_another(
    deployed: dict[str, Any], name: str
) -> None:
    one = deployed[name]

    assert one["enforce_parameter_schema"]
    assert one["description"].endswith(".")
    assert one["tags"][0] == "arm"
    assert one["version"] == PYPROJECT["project"]["version"]
    if name != SIDE_BY_SIDE:
        assert one["global_concurrency_limit"]["limit"] == 1
        assert one["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert one["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"


@pytest.mark.parametrize(
    ("name", "cron", "active"),
    [
        ("update-customers/nightly", "30 3 * * *", False),
        ("settle-open-batches/every-10-minutes", "*/10 * * * *", True),
        ("purge/weekly", "0 5 * * 0", True),
        ("report-night/every-morning", "0 7 * * *", True),
    ],
)
def test_schedules_are_in_oslo_time(deployed: dict[str, Any], name: str, cron: str, *, active: bool) -> None:
    (schedule,) = deployed[name]["schedules"]

    assert schedule["schedule"]["cron"] == cron
    assert schedule["schedule"]["timezone"] == "Europe/Oslo"
    assert schedule["active"] is active


def test_an_active_schedule_gets_its_runs(prefect_server: Mapping[str, str], deployed: dict[str, Any]) -> None:
    """The server plans them in the background, and does not say when it cannot (docs/decisions/0080)."""
    wanted = {"deployments": {"id": {"any_": [deployed["settle-open-batches/every-10-minutes"]["id"]]}}}
    address = f"{prefect_server['PREFECT_API_URL']}/flow_runs/count"

    assert wait(lambda: patient_http.post(address, json=wanted).json() > 0, alive=lambda: True)


def test_the_nightly_sets_every_rail(deployed: dict[str, Any]) -> None:
    assert deployed["update-customers/nightly"]["parameters"] == {
        "source": "customers.csv",
        "client_no": 2218,
        "changes_only": True,
        "max_changed": "20%",
        "min_rows": "50%",
        "check_profile": "yes",
        "max_source_age": "26h",
        "wait": "30m",
    }


def test_what_sends_waits_half_an_hour_for_a_busy_client(deployed: dict[str, Any]) -> None:
    waiting = (
        "update-customers/manual",
        "apply-plan/apply-a-plan",
        "rerun-failed-batches/send-failed-again",
        "resume-run/carry-on-a-run",
    )

    assert {name: deployed[name]["parameters"] for name in waiting} == {name: {"wait": "30m"} for name in waiting}


def test_every_field_of_every_form_is_described(deployed: dict[str, Any]) -> None:
    for one in deployed.values():
        for name, parameter in one["parameter_openapi_schema"]["properties"].items():
            assert parameter.get("description"), f"{one['name']}: {name}"


def test_only_source_and_client_are_required_and_the_defaults_are_the_flags(deployed: dict[str, Any]) -> None:
    schema = deployed["update-customers/manual"]["parameter_openapi_schema"]

    assert schema["required"] == ["source", "client_no"]
    assert {name: field.get("default") for name, field in schema["properties"].items()} == {
        "source": None,
        "client_no": None,
        "user_id": "",
        "mode": "update",
        "batch_size": 0,
        "encoding": "",
        "mapping": "",
        "clear": [],
        "address_policy": "refuse",
        "duplicates": "error",
        "changes_only": False,
        "max_rejected": "5%",
        "max_warned": "",
        "max_changed": "",
        "min_rows": "",
        "check_profile": "",
        "header_row": 0,
        "max_source_age": "",
        "on_guard": "refuse",
        "approve_within": "12h",
        "deadline": "30m",
        "wait": "0s",
        "verify_sample": 0,
        "shards": 1,
        "connection": "",
        "dry_run": False,
        "client_no_is_right": 0,
    }

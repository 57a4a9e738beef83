"""The variants of prefect.yaml for containers parse, use what Prefect's work pools know, and hold no secret."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.server.api import collections

from deployments.work_pools import LEDGER_URL, clients_of, with_clients, with_secrets

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "prefect.yaml").read_text()
KINDS = ("docker", "kubernetes")


def variant(kind: str) -> dict[str, Any]:
    """prefect.yaml, with the pool for processes taken out and this one's # taken away."""
    active, _, rest = TEXT.partition("  # Runs as processes")
    _, _, rest = rest.partition(f"  # # {kind}\n")
    commented, _, after = rest.partition("\n\n")
    pool = re.sub(r"^  # ", "  ", commented, flags=re.MULTILINE)
    deployments = after[after.index("deployments:\n") :]
    return dict(yaml.safe_load(f"{active}{pool}\n{deployments}"))


def template(kind: str) -> dict[str, Any]:
    """Prefect's own template of a work pool, as it comes with this version."""
    known = yaml.safe_load((Path(collections.__file__).parent / METADATA).read_text())
    return dict(known[f"prefect-{kind}"][kind]["default_base_job_configuration"])


METADATA = "collections_data/views/aggregate-worker-metadata.json"


@pytest.mark.parametrize("kind", KINDS)
def test_every_deployment_is_there_and_runs_in_that_pool(kind: str) -> None:
    here, there = yaml.safe_load(TEXT)["deployments"], variant(kind)["deployments"]

    assert [one["entrypoint"] for one in there] == [one["entrypoint"] for one in here]
    assert all("image" in one["work_pool"]["job_variables"] for one in there)


@pytest.mark.parametrize("kind", KINDS)
def test_the_work_pool_knows_every_variable(kind: str) -> None:
    variables = variant(kind)["deployments"][0]["work_pool"]["job_variables"]

    assert variables.keys() <= template(kind)["variables"]["properties"].keys()


@pytest.mark.parametrize("kind", KINDS)
def test_bodies_and_rejects_go_to_an_object_store_and_no_secret_is_in_it(kind: str) -> None:
    env = variant(kind)["deployments"][0]["work_pool"]["job_variables"]["env"]

    assert env["ARMREST_STORE_URL"].startswith("s3://")
    assert env["ARMREST_REJECTS_URL"].startswith("s3://")
    assert env["ARMREST_SOURCE_PREFIXES"] == "s3://armrest/inbox/"
    assert env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert not env.keys() & {"ARMREST_LEDGER_URL", "ARMREST_TOKEN", "ARMREST_IDENTITY_CLIENT_SECRET"}


def test_docker_takes_the_ledger_from_a_block_when_a_run_begins() -> None:
    changed = with_secrets("docker", template("docker"))

    assert changed["variables"]["properties"]["env"]["default"] == {"ARMREST_LEDGER_URL": LEDGER_URL}
    assert changed["job_configuration"] == template("docker")["job_configuration"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_clients_that_may_be_touched_stand_in_the_work_pool_and_are_kept(kind: str) -> None:
    changed = with_clients(with_secrets(kind, template(kind)), "2218,2219")  # type: ignore[arg-type]

    assert clients_of(changed) == "2218,2219"
    assert clients_of(template(kind)) == ""
    docker = {"ARMREST_LEDGER_URL": LEDGER_URL} if kind == "docker" else {}
    assert changed["variables"]["properties"]["env"]["default"] == docker | {"ARMREST_CLIENTS": "2218,2219"}


def test_kubernetes_takes_all_secrets_from_the_cluster() -> None:
    changed = with_secrets("kubernetes", template("kubernetes"))
    (container,) = changed["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"]

    assert container["envFrom"] == [{"secretRef": {"name": "armrest"}}]
    assert changed["variables"] == template("kubernetes")["variables"]


def test_the_image_has_the_version_of_the_project() -> None:
    version = yaml.safe_load(TEXT)["definitions"]["version"]

    assert TEXT.count(f"armrest-flows:{version}") == len(KINDS)
    assert f"armrest-flows:{version}" in (ROOT / "Dockerfile").read_text()

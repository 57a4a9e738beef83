"""Several machines, each a Prefect worker: a real PostgreSQL, a store of objects, a real Prefect server."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import boto3
import pytest
from moto.server import ThreadedMotoServer

from armrest.sandbox import SandboxServer
from tests.conftest import plain_environment
from tests.machines import FAST, Machines, deploy
from tests.ports import free_port
from tests.postgres import Cluster

ROOT: Final = Path(__file__).parents[2]
BUCKET: Final = "customers"
LEASE_SECONDS: Final = 6


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip these tests before anything is started for them: they have a target of their own, which CI runs."""
    if not config.getoption("--shards"):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="takes five minutes: `make test-shards` runs it"))


@pytest.fixture(scope="session")
def object_store() -> Iterator[dict[str, str]]:
    """The environment that leads to a stand-in of S3 with an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "eu-north-1"}
    boto3.client("s3", endpoint_url=address, **keys).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"}
    )
    yield {"FSSPEC_S3_ENDPOINT_URL": address, "FSSPEC_S3_KEY": "testing", "FSSPEC_S3_SECRET": "testing"}
    server.stop()


@pytest.fixture(scope="session")
def deployed(prefect_server: Mapping[str, str]) -> None:
    """A work pool with every deployment."""
    deploy(prefect_server)


@pytest.fixture
def surroundings(
    object_store: Mapping[str, str],
    postgres: Cluster,
    arm: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The environment of a worker, without Prefect's server: a new ledger, the store, ARM."""
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    settings = {
        "ARMREST_HOME": str(tmp_path / "home"),
        "ARMREST_INBOX": str(tmp_path),
        "ARMREST_API_URL": arm.api_url,
        "ARMREST_TOKEN": arm.token,
        "ARMREST_LEDGER_URL": postgres.new_database(),
        "ARMREST_STORE_URL": f"s3://{BUCKET}/armrest",
        "ARMREST_LEASE_SECONDS": str(LEASE_SECONDS),
        "ARMREST_POLL_FIRST_SECONDS": "0.2",
        "ARMREST_POLL_MAX_SECONDS": "1",
    }
    return plain_environment() | dict(object_store) | settings | FAST


@pytest.fixture
def machines(
    deployed: None, prefect_server: Mapping[str, str], surroundings: dict[str, str], tmp_path: Path
) -> Iterator[Machines]:
    """No machine yet."""
    environment = surroundings | prefect_server
    with Machines(prefect_server["PREFECT_API_URL"], environment, tmp_path) as machines:
        yield machines

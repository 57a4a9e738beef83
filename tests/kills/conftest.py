"""A stand-in of ARM over real HTTP, and workspaces whose engines are killed."""

from pathlib import Path

import pytest

from armrest.sandbox import SandboxServer, write_sample
from tests.kills.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, arm: SandboxServer) -> Workspace:
    return Workspace(tmp_path, arm)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 customers: twenty batches as the engine cuts them."""
    path = tmp_path_factory.mktemp("source") / "customers.csv"
    write_sample(path, customers=2000, wrong=0)
    return path

"""A project of its own: an environment with the wheel of the library and Prefect, without our flows."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import plain_environment
from tests.tooling.venvs import all_but_the_project, make_venv

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SERVE = "from flows.update_customers import update_customers; update_customers.serve('manual')"

RunExample = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def project_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of the other project."""
    folder = tmp_path_factory.mktemp("project")
    words = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*words, "-w", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    python = make_venv(folder / "venv", all_but_the_project())
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*words, wheel], check=True)
    return python


@pytest.fixture
def run_example(
    project_python: Path, settings: Mapping[str, str], prefect_server: Mapping[str, str], tmp_path: Path
) -> RunExample:
    """Runs an example in the other project's folder, which holds nothing but the example."""

    def run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes((EXAMPLES / name).read_bytes())
        return subprocess.run(
            [project_python, name, *arguments],
            cwd=folder,
            env=plain_environment() | prefect_server | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )

    return run


@pytest.fixture
def deployment(settings: Mapping[str, str], prefect_server: Mapping[str, str]) -> Iterator[None]:
    """`update-customers/manual`, served by our own project."""
    environment = plain_environment() | prefect_server | settings | {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)

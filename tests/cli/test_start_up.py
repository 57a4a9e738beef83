"""What a command does not need, it does not load: the heavy packages cost more than the commands themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

from armrest.sandbox import write_sample

HEAVY = frozenset({"httpx", "numpy", "pandas", "prefect", "pyarrow", "python_calamine", "sqlalchemy", "uvicorn"})
TOLD = """
import sys
from flows.cli.app import main
sys.argv[0] = "armrest"
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def loaded(*arguments: str, folder: Path) -> set[str]:
    """The packages that are loaded when a command ends."""
    command = [sys.executable, "-c", TOLD, *arguments]
    ended = subprocess.run(command, cwd=folder, env=_env(), capture_output=True, text=True, check=True)
    return set(ended.stderr.splitlines()[-1].split())


def test_planning_loads_neither_the_http_client_nor_the_delivery() -> None:
    code = (
        "import sys; from armrest.app import open_run, plan_run; from tasks import open_workspace; print(*sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=_env(), capture_output=True, text=True, check=True)
    found = set(ended.stdout.split())

    assert "armrest.planning.planner" in found
    assert found & {"armrest.delivery", "httpx", "rich", "tenacity"} == set()


def _env() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": ""}


@pytest.mark.parametrize("command", ["--help", "check --help", "update-customers --help"])
def test_help_loads_nothing_heavy(command: str, tmp_path: Path) -> None:
    found = loaded(*command.split(), folder=tmp_path)

    assert "typer" in found
    assert found & HEAVY == set()


def test_checking_a_small_file_loads_nothing_heavy(tmp_path: Path) -> None:
    write_sample(tmp_path / "customers.csv", customers=500, wrong=0)

    found = loaded("check", "customers.csv", folder=tmp_path)

    assert "pydantic" in found
    assert found & HEAVY == set()

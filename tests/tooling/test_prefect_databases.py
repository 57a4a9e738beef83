"""The tests' Prefect servers run on PostgreSQL on request, and `make test-oldest` asks for it where it can."""

import subprocess
from pathlib import Path

import pytest

from tests import patient_http
from tests.conftest import plain_environment, prefect_process
from tests.postgres import Cluster
from tests.prefect_databases import PrefectDatabases

ROOT = Path(__file__).parents[2]
STAND_IN = """#!/bin/sh
case "$1" in -c) exit {code};; esac
echo "$@"
"""
"""For a Python: says how it was called, and whether PostgreSQL is there."""


@pytest.mark.prefect
@pytest.mark.xdist_group("prefect-postgres")
def test_a_server_on_postgresql_keeps_everything_there(postgres: Cluster, tmp_path: Path) -> None:
    databases = PrefectDatabases(plain_environment(), postgres)
    first, second = tmp_path / "first", tmp_path / "second"
    with prefect_process(first, databases) as server:
        patient_http.post(f"{server['PREFECT_API_URL']}/flows/", json={"name": "kept-there"}).raise_for_status()
    databases.make_home(second)

    assert "kept-there" in databases.cells(first)
    assert "kept-there" not in databases.cells(second)
    assert "local-file-system" in databases.cells(second), "Prefect's own block types are registered"
    assert [home for home in (first, second) if list(home.glob("*.db"))] == []


@pytest.mark.parametrize(("code", "database"), [(0, "postgres"), (1, "sqlite")])
def test_the_oldest_prefect_is_tested_on_postgresql_and_without_it_the_target_says_so(
    tmp_path: Path, code: int, database: str
) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(STAND_IN.format(code=code))
    python.chmod(0o755)

    ended = subprocess.run(["make", "oldest", f"VENV={tmp_path}"], cwd=ROOT, check=True, capture_output=True, text=True)

    assert f"--prefect-database {database} " in ended.stdout
    assert ("no PostgreSQL on this machine" in ended.stderr) == (database == "sqlite")

"""How tests are shared out: what shares a server is run by one process, and no mark hides a file from its target."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NOT_NAMED

TESTS = """
import os, pathlib, time
import pytest

@pytest.mark.xdist_group("server")
@pytest.mark.parametrize("number", range(6))
def test_it(number):
    time.sleep(0.05)
    pathlib.Path(os.environ["PYTEST_XDIST_WORKER"]).touch()
"""


def test_a_group_of_tests_is_run_by_one_process(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")

    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin,pytest_asyncio.plugin"}
    subprocess.run(command, cwd=tmp_path, env=os.environ | plugins, check=True, capture_output=True)

    assert len(list(tmp_path.glob("gw*"))) == 1


def test_a_file_with_a_marked_test_names_the_mark(request: pytest.FixtureRequest) -> None:
    """`make test-long` and `make test-flows` leave out the files that do not: see ALONE in tests/conftest.py."""
    assert request.config.stash[NOT_NAMED] == []

"""`armrest demo`: the whole job, with nothing set and no server running."""

import os
from pathlib import Path

import pytest

from tests.conftest import Shell

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.long]


def test_the_demo_tells_what_happened_and_heals_what_failed(tmp_path: Path) -> None:
    ended = Shell(tmp_path, {"PATH": os.environ["PATH"]})("demo")

    assert ended.exit_code == 0, ended.err
    assert "PartlyFailed: 500 customers refused, in 1 of 10 batches: see arm-failed-customers-" in ended.out
    assert "25 rejected" in ended.out
    assert "Completed: 500 of 500 customers updated" in ended.out
    assert "make ui" in ended.out
    assert (tmp_path / ".demo" / "prefect" / "prefect.db").exists()
    assert "Traceback" not in ended.err

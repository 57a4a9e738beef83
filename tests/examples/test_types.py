"""Editors and type checkers know the library: mypy in `make check`, and basedpyright here."""

import subprocess
import sys

import pytest

from tests.examples.conftest import EXAMPLES, ROOT


@pytest.mark.long
def test_basedpyright_accepts_the_examples() -> None:
    words = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, "--level", "error", EXAMPLES]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)

    assert ended.returncode == 0, ended.stdout

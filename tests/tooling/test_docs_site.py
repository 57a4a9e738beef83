"""`make docs`: the site is built without a warning, leads each reader to theirs, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import armrest

ROOT = Path(__file__).parents[2]
DOORS = {"operate.html", "python.html", "guarantees.html"}
"""Of the accountant, the engineer and the auditor."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    variables = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, env=variables)
    assert built.returncode == 0, built.stderr
    return folder


def test_the_first_page_leads_each_reader_to_theirs_in_one_click(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")

    buttons = set(re.findall(r'class="md-button[^"]*"[^>]*href="([^"]+)"', page))
    assert buttons == DOORS
    assert all((site / door).is_file() for door in DOORS)


def test_the_reference_has_every_public_function(site: Path) -> None:
    page = (site / "reference.html").read_text(encoding="utf-8")
    names = {name for name in armrest.__all__ if name.islower() and f"a{name}" in armrest.__all__}

    missing = {name for name in names if f'id="armrest.facade.connection.Connection.{name}"' not in page}
    assert len(names) > 12
    assert missing == set()


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")

    assert re.findall(r'(?:src|rel="stylesheet" href)="(https?://[^"]+)"', page) == []

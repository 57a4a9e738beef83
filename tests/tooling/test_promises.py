"""What `make` and the README promise is there."""

import re
import subprocess
from pathlib import Path

import pytest
import typer.main

from flows.cli.app import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = ("help", "setup", "demo", "ui", "test", "check", "fix", "bench", "lock")
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def make_help() -> str:
    return subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_make_alone_lists_what_there_is(make_help: str, target: str) -> None:
    assert re.search(rf"^  make {target} +\S", make_help, re.MULTILINE)


def test_the_readme_names_every_command_and_invents_none() -> None:
    assert set(re.findall(r"armrest ([a-z][a-z-]+)", README)) == COMMANDS


def test_every_file_that_the_readme_shows_or_links_to_is_there() -> None:
    linked = re.findall(r"\]\(([^):]+)\)", README)

    assert linked
    assert [link for link in linked if not (ROOT / link).exists()] == []

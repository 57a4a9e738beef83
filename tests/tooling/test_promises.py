"""What `make` and the README promise is there."""

import inspect
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from armrest.settings import Settings
from flows.apply_plan import apply_plan
from flows.cli.app import app
from flows.update_customers import update_customers

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = (
    *("help", "setup", "demo", "ui", "test", "test-oldest", "test-pythons", "check", "fix"),
    *("bench", "bench-check", "bench-profile", "profile", "soak", "lock", "docs"),
)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FORM_ONLY = {"approve_within", "shards"}
TERMINAL_ONLY = {"yes", "as_json", "verbose", "debug", "help", "show_values"}


@pytest.fixture(scope="module")
def make_help() -> str:
    return subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_make_alone_lists_what_there_is(make_help: str, target: str) -> None:
    assert re.search(rf"^  make {target} +\S", make_help, re.MULTILINE)


def test_the_readme_names_every_command_and_invents_none() -> None:
    assert set(re.findall(r"armrest ([a-z][a-z-]+)", README)) == set(COMMANDS)


def test_every_file_that_the_readme_shows_or_links_to_is_there() -> None:
    linked = re.findall(r"\]\(([^):]+)\)", README)

    assert linked
    assert [link for link in linked if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_links_to_is_there(page: Path) -> None:
    linked = re.findall(r"\]\(([^):#]+)\)", page.read_text(encoding="utf-8"))

    assert [link for link in linked if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("command", "flow"),
    [("update-customers", update_customers.fn), ("apply", apply_plan.fn)],
    ids=["update-customers", "apply"],
)
def test_the_parameters_of_a_flow_are_the_flags_with_underscores(command: str, flow: Callable[..., object]) -> None:
    flags = {option.name for option in COMMANDS[command].params} - TERMINAL_ONLY - set(Settings.model_fields)
    parameters = set(inspect.signature(flow).parameters)

    assert parameters - set(Settings.model_fields) >= flags - {"client_no"}
    assert parameters <= flags | FORM_ONLY | set(Settings.model_fields)

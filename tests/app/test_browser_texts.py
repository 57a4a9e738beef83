"""No text that people read in a browser tells them to type something, unless it says that it is for a command line."""

import ast
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
import yaml
from prefect import Flow

from armrest.app.browser_words import browser_words
from armrest.app.finding import Finding
from armrest.delivery import Sweep
from deployments.automations import recovery_automations, waiting_automations
from deployments.notices import limited_night_automations, notification_automations
from deployments.recipients import Recipient
from flows.artifacts import sweep_markdown, worker_markdown
from tasks.blocks import ArmConnection, SqlSource

ROOT: Final = Path(__file__).parents[2]
MARKED: Final = re.compile(r"on the command line: `[^`]+`|`[^`]+` on the command line")
COMMAND: Final = re.compile(r"\b(?:armrest|prefect) [a-z]+\b(?! *=)|\bmake [a-z]+`|(?<![\w-])--[a-z]")

ROOMS: Final = ("api", "app", "delivery", "intake", "outbox", "planning", "reconcile")
NEVER_IN_A_BROWSER: Final = {
    "armrest/api/probe.py",  # armrest probe
    "armrest/app/browser_words.py",  # what it replaces
    "armrest/outbox/outbox_check.py",  # armrest ledger check
}
COMMANDS_ALONE: Final = {
    "flows/artifacts/answers.py",  # after "on the command line:"
    "flows/artifacts/next_step.py",  # the summary has them under "or, on the command line:"
    "armrest/app/open_run.py",  # `apply_command`
}
FLOWS: Final = sorted(path.stem for path in (ROOT / "flows").glob("*.py") if "\n@flow(" in path.read_text())


def typed_in(text: str) -> list[str]:
    """What a text tells to type without saying where."""
    return COMMAND.findall(MARKED.sub("", text))


def texts_of(path: Path) -> Iterator[str]:
    """The texts of a module, with a run's id for each value in them; without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    whole = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    others = {id(part) for node in whole for part in node.values}
    others |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in whole:
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "r-1" for part in node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in others:
            yield node.value


def modules(*folders: str) -> list[str]:
    paths = (path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted({str(path) for path in paths if "cli" not in path.parts} - NEVER_IN_A_BROWSER)


def is_command(text: str) -> bool:
    return re.fullmatch(r"armrest [\w -]+", text) is not None


@pytest.mark.parametrize("module", modules(*(f"armrest/{room}" for room in ROOMS)))
def test_a_message_of_the_library_names_no_command_in_the_browsers_words(module: str) -> None:
    named = [text for text in texts_of(ROOT / module) if typed_in(browser_words(text))]

    assert [text for text in named if module not in COMMANDS_ALONE or not is_command(text)] == []


@pytest.mark.parametrize("module", modules("flows", "tasks"))
def test_a_text_of_a_flow_names_no_command(module: str) -> None:
    named = [text for text in texts_of(ROOT / module) if typed_in(text)]

    assert [text for text in named if module not in COMMANDS_ALONE or not is_command(text)] == []


@pytest.mark.parametrize("name", FLOWS)
def test_a_form_names_no_command(name: str) -> None:
    flow: Flow[..., Any] = getattr(import_module(f"flows.{name}"), name)
    schema = json.dumps(flow.parameters.model_dump(), ensure_ascii=False)

    assert typed_in(schema + (flow.description or "")) == []


def test_what_is_deployed_names_no_command() -> None:
    deployed = json.dumps(yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8")), ensure_ascii=False)
    blocks = [
        f"{block.get_description()} {json.dumps(block.model_json_schema())}" for block in (ArmConnection, SqlSource)
    ]

    assert [typed_in(text) for text in (deployed, *blocks)] == [[], [], []]


def test_an_automation_names_no_command() -> None:
    notices = notification_automations(
        [UUID(int=1)], ui="", on=True, nightly=UUID(int=1), late_seconds=300, missed_night_seconds=93_600
    )
    texts = [
        text
        for notice in (
            *notices,
            *limited_night_automations([Recipient(UUID(int=1), (2218,))]),
            *recovery_automations(UUID(int=1)),
            *waiting_automations(UUID(int=1), late_seconds=300, lease_seconds=60),
        )
        for text in (notice.name, notice.description, *(str(action.model_dump()) for action in notice.actions))
    ]

    assert len(texts) >= 39
    assert [text for text in texts if typed_in(text)] == []


def test_the_answers_about_a_worker_and_a_sweep_name_flows() -> None:
    worker = worker_markdown([Finding("answers", "note", "batch 1: `armrest settle` writes it there")], [], "In order")
    sweep = sweep_markdown(Sweep(troubles=["run r-1: `armrest resume r-1`"]))

    assert "batch 1: settle-open-batches writes it there" in worker
    assert "run r-1: resume-run with run_id r-1" in sweep


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "run `armrest ledger migrate --backup x` once, then --yes",
            "run `armrest ledger migrate --backup x` on the command line once, then yes",
        ),
        ("run `armrest ledger migrate` on the command line", "run `armrest ledger migrate` on the command line"),
    ],
)
def test_a_command_that_no_flow_replaces_is_marked_once_and_stays_as_it_is_typed(message: str, words: str) -> None:
    assert browser_words(message) == browser_words(browser_words(message)) == words

"""The command's help: quick, complete, in whole sentences, and without secrets."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from armrest.settings import Settings
from flows.cli.app import app
from tests.cli.conftest import Typed
from tests.conftest import Shell, cpu_seconds

COMMANDS = (
    "update-customers",
    "update-customer",
    "rerun",
    "resume",
    "plan",
    "apply",
    "settle",
    "export",
    "metrics",
    "forget",
    "mapping",
    "ledger",
    "purge",
    "archive",
    "check",
    "runs",
    "show",
    "customer",
    "verify",
    "fetch-customers",
    "api",
    "login",
    "doctor",
    "health",
    "probe",
    "sandbox",
    "demo",
)


def test_help_comes_at_once_and_without_prefect(shell: Shell) -> None:
    assert shell("--help").exit_code == 0
    assert cpu_seconds(lambda: shell("--help")) < 0.8


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(typed: Typed, command: str) -> None:
    assert command in typed("--help").out
    assert typed(command, "--help").exit_code == 0


def test_every_setting_that_is_no_secret_has_a_flag(typed: Typed) -> None:
    told = typed("update-customers", "--help", COLUMNS="200").out
    secrets = {"token", "identity_client_secret", "ledger_url", "sources"}

    assert all(f"--{name.replace('_', '-')}" in told for name in set(Settings.model_fields) - secrets)
    assert not any(f"--{name.replace('_', '-')}" in told for name in secrets)


def test_every_help_text_is_a_sentence() -> None:
    texts = list(_help_texts(typer.main.get_command(app), "armrest"))

    assert len(texts) > 100
    assert [(name, text) for name, text in texts if not text or not text[0].isupper() or not text.endswith(".")] == []


def _help_texts(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield a command's help and its parameters', then those of its subcommands."""
    yield name, command.help or ""
    for parameter in command.params:
        yield f"{name} {parameter.opts[0]}", parameter.help or ""
    for subcommand, inner in getattr(command, "commands", {}).items():
        yield from _help_texts(inner, f"{name} {subcommand}")

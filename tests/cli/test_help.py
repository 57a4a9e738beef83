"""The command's own words: quick, complete, and without secrets."""

import pytest

from armrest.settings import Settings
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
    "forget",
    "mapping",
    "purge",
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

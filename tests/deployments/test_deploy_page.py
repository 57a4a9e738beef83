"""docs/deploy.md names what there is: settings, make targets, deployments, automations."""

import re
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from deployments.automations import recovery_automations, waiting_automations
from deployments.local_server import LEASES
from deployments.notices import notification_automations
from deployments.recipients import NOTIFY_BLOCK
from flows.cli.prefect_env import DEFAULTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
FOR_CLIENTS = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"} | {
    name for name in DEFAULTS if name.startswith("PREFECT_LOGGING")
}


@pytest.mark.parametrize(("name", "value"), [*DEFAULTS.items(), *LEASES.items()])
def test_the_servers_settings_are_those_of_make_up(name: str, value: str) -> None:
    assert name in FOR_CLIENTS or re.search(rf"^{name}={re.escape(value)}(\s|$)", PAGE, re.MULTILINE)


def test_every_deployment_is_listed() -> None:
    for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        flow = one["entrypoint"].rsplit(".", 1)[1].replace("_", "-")
        assert f"`{flow}/{one['name']}`" in PAGE


def test_every_automation_is_listed() -> None:
    nowhere = UUID(int=0)
    waiting = waiting_automations(nowhere, late_seconds=300, lease_seconds=60)
    telling = notification_automations(
        [nowhere], ui="", on=True, nightly=nowhere, late_seconds=300, missed_night_seconds=93_600
    )
    for one in (*recovery_automations(nowhere), *waiting, *telling):
        assert f"`{one.name}`" in PAGE
    assert NOTIFY_BLOCK in PAGE


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()

    for target in set(re.findall(r"(?:^|`|&& )make ([a-z]+)\b", PAGE, re.MULTILINE)):
        assert f"\n{target}:" in makefile, target

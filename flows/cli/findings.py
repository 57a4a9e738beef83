"""All findings of the check-up: of this machine, of ARM and of Prefect; `armrest doctor` and its flow show them."""

import asyncio
from typing import Final

from armrest.app.checkup import arm_finding, clients_finding, local_findings
from armrest.app.environment import SettingsRefused, environment_settings
from armrest.app.finding import Finding
from flows.cli.prefect_checkup import prefect_findings
from tasks.connections import load_settings

DEFAULT_LATE_SECONDS: Final = 300.0


async def all_findings() -> list[Finding]:
    """Make all checks concurrently."""
    checks = (
        asyncio.to_thread(lambda: list(local_findings(load_settings))),
        clients_finding(load_settings),
        arm_finding(load_settings),
        _of_prefect(),
    )
    local, clients, arm, prefect = await asyncio.gather(*checks)
    return [*local, clients, arm, *prefect]


def late_seconds() -> float:
    """Return how long a run may be late; the default if the settings cannot be read, which a finding says."""
    try:
        return environment_settings().late_seconds
    except SettingsRefused:
        return DEFAULT_LATE_SECONDS


async def _of_prefect() -> list[Finding]:
    return [finding async for finding in prefect_findings(late_seconds=late_seconds())]

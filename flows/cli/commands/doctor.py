"""`armrest doctor`: checks everything that a run needs, and says what to do about each problem."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import typer

from flows.cli import prefect_env
from flows.cli.flags import Json, with_settings
from flows.cli.output import print_json

if TYPE_CHECKING:
    from armrest.app.finding import Finding

NOT_READY: Final = 1
DEFAULT_LATE_SECONDS: Final = 300.0
SIGNS: Final = {"fine": ("✓", "green"), "note": ("·", "blue"), "trouble": ("✗", "red")}


@with_settings
def doctor(*, as_json: Json = False) -> int:
    """Check everything that a run needs, and report each in a line. Exit code 1: a run would not work."""
    prefect_env.prepare()
    findings = asyncio.run(_all())
    if as_json:
        print_json({"ready": _is_ready(findings), "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            sign, colour = SIGNS[finding.verdict]
            typer.echo(f"{typer.style(sign, fg=colour)} {finding.name:<12} {finding.said}")
    return 0 if _is_ready(findings) else NOT_READY


def _is_ready(findings: "list[Finding]") -> bool:
    return not any(finding.verdict == "trouble" for finding in findings)


async def _all() -> "list[Finding]":
    """Make all checks concurrently."""
    from armrest.app.checkup import arm_finding, clients_finding
    from armrest.app.environment import SettingsRefused, environment_settings
    from flows.cli.prefect_checkup import prefect_findings
    from tasks.connections import load_settings

    async def of_prefect() -> "list[Finding]":
        try:
            settings = environment_settings()
        except SettingsRefused:  # `local_findings` names it
            late_seconds = DEFAULT_LATE_SECONDS
        else:
            late_seconds = settings.late_seconds
        return [finding async for finding in prefect_findings(late_seconds=late_seconds)]

    checks = (asyncio.to_thread(_local), clients_finding(load_settings), arm_finding(load_settings), of_prefect())
    local, clients, arm, prefect = await asyncio.gather(*checks)
    return [*local, clients, arm, *prefect]


def _local() -> "list[Finding]":
    from armrest.app.checkup import local_findings
    from tasks.connections import load_settings

    return list(local_findings(load_settings))

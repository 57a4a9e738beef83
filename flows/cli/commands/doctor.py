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
SIGNS: Final = {"fine": ("✓", "green"), "note": ("·", "blue"), "trouble": ("✗", "red")}


@with_settings
def doctor(*, as_json: Json = False) -> int:
    """Check everything that a run needs, and report each in a line. Exit code 1: a run would not work."""
    prefect_env.prepare()
    found = asyncio.run(_all())
    if as_json:
        print_json({"ready": _is_ready(found), "findings": [asdict(one) for one in found]})
    else:
        for one in found:
            sign, colour = SIGNS[one.verdict]
            typer.echo(f"{typer.style(sign, fg=colour)} {one.name:<12} {one.said}")
    return 0 if _is_ready(found) else NOT_READY


def _is_ready(found: "list[Finding]") -> bool:
    return not any(one.verdict == "trouble" for one in found)


async def _all() -> "list[Finding]":
    """Make all checks concurrently."""
    from armrest.app.checkup import arm_finding, clients_finding
    from flows.cli.prefect_checkup import prefect_findings
    from tasks.connections import load_settings

    async def of_prefect() -> "list[Finding]":
        return [one async for one in prefect_findings()]

    looks = (asyncio.to_thread(_local), clients_finding(load_settings), arm_finding(load_settings), of_prefect())
    local, clients, arm, prefect = await asyncio.gather(*looks)
    return [*local, clients, arm, *prefect]


def _local() -> "list[Finding]":
    from armrest.app.checkup import local_findings
    from tasks.connections import load_settings

    return list(local_findings(load_settings))

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
    from flows.cli.findings import all_findings  # Prefect reads its settings when it is imported

    findings = asyncio.run(all_findings())
    if as_json:
        print_json({"ready": _is_ready(findings), "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            sign, colour = SIGNS[finding.verdict]
            typer.echo(f"{typer.style(sign, fg=colour)} {finding.name:<12} {finding.said}")
    return 0 if _is_ready(findings) else NOT_READY


def _is_ready(findings: "list[Finding]") -> bool:
    return not any(finding.verdict == "trouble" for finding in findings)

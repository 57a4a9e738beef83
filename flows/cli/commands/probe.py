"""`armrest probe`: asks ARM the questions of docs/first-contact.md, one by one. Without Prefect."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from armrest.plurals import quantity
from flows.cli.errors import Refused
from flows.cli.flags import ClientNo, with_settings
from flows.cli.output import print_error

if TYPE_CHECKING:
    from armrest.api import Probe, ProbeQuestion
    from armrest.settings import Settings

LONGEST_BODY_SHOWN: Final = 300


@with_settings
def probe(
    *,
    client_no: ClientNo,
    customer_no: Annotated[
        str, typer.Option("--customer-no", metavar="NO", help="An existing test customer.", show_default=False)
    ],
    new_no: Annotated[
        str,
        typer.Option("--new-no", metavar="NO", help="An unused customer number, which the probe creates and removes."),
    ] = "ARMREST-PROBE",
    question: Annotated[
        list[int] | None, typer.Option("--question", metavar="N", help="Ask only this question; may be repeated.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Also ask the questions that write; on staging only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask all questions without confirmation.")] = False,
    wait: Annotated[
        float,
        typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait until ARM has processed a batch."),
    ] = 30.0,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="File for the answers, one JSON object per line.")
    ] = Path("first-contact.jsonl"),
) -> int:
    """Ask ARM the questions that its documentation leaves open, and write the redacted answers to a file.

    Each question and its request are shown before it is asked. See docs/first-contact.md.
    """
    from armrest.api import QUESTIONS
    from tasks.open_workspace import use_workspace

    if unknown := sorted(set(question or ()) - QUESTIONS.keys()):
        raise Refused(f"there is no question {unknown[0]}: they are numbered 1 to {len(QUESTIONS)}")
    asked = [
        probe_question
        for no, probe_question in QUESTIONS.items()
        if (no in question if question else write or not probe_question.writes)
    ]
    if not yes and not sys.stdin.isatty():
        raise Refused("each question needs confirmation, but standard input is not a terminal: add --yes")
    with use_workspace() as workspace:
        settings = workspace.settings
        if any(probe_question.writes for probe_question in asked):
            _allow_writing(settings, write=write)
        values = {"client_no": str(client_no), "customer_no": customer_no, "new_no": new_no}
        answered = asyncio.run(
            _ask(settings, asked, values | {"user_id": settings.user_id}, output, yes=yes, wait_seconds=wait)
        )
    print(f"{quantity(answered, 'answer')} in {output}")
    return 0


def _allow_writing(settings: "Settings", *, write: bool) -> None:
    from armrest.app.workspace import required_api_url
    from armrest.settings import LOOPBACK

    if not write:
        raise Refused("this question writes: add --write")
    host = urlsplit(required_api_url(settings)).hostname or ""
    if host not in LOOPBACK and "staging" not in host.split("."):
        raise Refused(f"{host} is not Amili's staging: questions that write are allowed only there")


async def _ask(
    settings: "Settings",
    questions: "list[ProbeQuestion]",
    values: dict[str, str],
    output: Path,
    *,
    yes: bool,
    wait_seconds: float,
) -> int:
    from armrest.api import Probe, is_ours
    from armrest.app.workspace import arm_client

    answered = 0
    writes = any(question.writes for question in questions)
    async with arm_client(settings, client_no=int(values["client_no"]), updates=writes) as arm:
        if writes and not await is_ours(arm, values):
            raise Refused(f"customer {values['new_no']} already exists: name an unused number with --new-no")
        probe = Probe(arm, values, wait_seconds=wait_seconds)
        for question in questions:
            _show(question, probe)
            if yes or await asyncio.to_thread(typer.confirm, "Ask it?", default=True, err=True):
                _append(output, await probe.ask(question))
                answered += 1
    return answered


def _show(question: "ProbeQuestion", probe: "Probe") -> None:
    print_error(f"{question.no}. {question.asks}")
    print_error(f"   assumed: {question.assumed}")
    path, body = probe.request(question) or ("", None)
    print_error(f"   {question.method} {path}" if path else "   an earlier answer that it needs is missing")
    if body is not None:
        text = body.decode()
        print_error(
            f"   {text[:LONGEST_BODY_SHOWN]}{' …' if len(text) > LONGEST_BODY_SHOWN else ''} ({len(body):,} bytes)"
        )


def _append(output: Path, answer: dict[str, Any]) -> None:
    import orjson

    print_error(f"   → {answer.get('http_status', answer.get('message', answer.get('skipped')))}")
    with os.fdopen(os.open(output, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab") as file:
        file.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))

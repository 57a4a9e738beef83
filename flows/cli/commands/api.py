"""`armrest api`: one request to any path of ARM's API, JSON in and JSON out."""

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from flows.cli.errors import NOT_ALL_SETTLED, Refused
from flows.cli.flags import with_settings
from flows.cli.output import print_error, print_json

STDIN: Final = "-"


@with_settings
def api(
    method: Annotated[
        str, typer.Argument(metavar="METHOD", help="Method: GET, PUT, POST or DELETE.", show_default=False)
    ],
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="Path below ARMREST_API_URL, such as clients/2218/aritems?pagesize=100.",
            show_default=False,
        ),
    ],
    *,
    paginate: Annotated[
        bool, typer.Option("--paginate", help="Read all pages of a list; print one record per line.")
    ] = False,
    input_file: Annotated[
        str | None, typer.Option("--input", metavar="FILE|-", help="File with the JSON body; - reads standard input.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a DELETE.")] = False,
) -> int:
    """Send a request to any path of ARM's API; print the answer.

    If no answer comes, GET and PUT are retried; POST and DELETE never are. Exit code 1: the request was sent, but its
    effect is unknown.
    """
    from armrest.api import AnswerUnknown

    verb = method.upper()
    body = None if input_file is None else _body(verb, input_file)
    if paginate and verb != "GET":
        raise Refused("--paginate works only with GET")
    if verb == "DELETE" and not yes:
        _ask_first(path)
    try:
        asyncio.run(_print_records(path) if paginate else _print_answer(verb, path, body))
    except AnswerUnknown as unknown:
        if verb == "GET":
            raise
        print_error(f"armrest: {unknown}")
        return NOT_ALL_SETTLED
    except ValueError as error:
        raise Refused(str(error)) from None
    return 0


def _body(verb: str, input_file: str) -> bytes:
    if verb in {"GET", "DELETE"}:
        raise Refused(f"--input: a {verb} has no body")
    try:
        return sys.stdin.buffer.read() if input_file == STDIN else Path(input_file).expanduser().read_bytes()
    except OSError as error:
        raise Refused(f"--input {input_file}: {error.strerror}") from None


def _ask_first(path: str) -> None:
    if not sys.stdin.isatty():
        raise Refused("a DELETE needs confirmation, but standard input is not a terminal: add --yes")
    if not typer.confirm(f"Remove {path} from ARM?", err=True):
        raise Refused("nothing was removed")


async def _print_answer(verb: str, path: str, body: bytes | None) -> None:
    from armrest.app.workspace import arm_client
    from tasks.connections import load_settings

    async with arm_client(load_settings(), updates=verb != "GET") as arm:
        answer: Any = await arm.request(verb, path, body=body)
    if answer is not None:
        print_json(answer)


async def _print_records(path: str) -> None:
    """Print records as they arrive; only one page is in memory."""
    from armrest.app.workspace import arm_client
    from tasks.connections import load_settings

    async with arm_client(load_settings()) as arm, aclosing(arm.pages(path)) as pages:
        async for page in pages:
            for record in page.records:
                print_json(record)

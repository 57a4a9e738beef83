"""`armrest check`: read and validate a source. No Prefect, nothing sent, nothing written."""

from typing import Annotated, Final

import typer

from flows.cli.flags import Debug, Json, Source
from flows.cli.output import print_json, tell
from flows.cli.refusals import Ending, Refused

MOST_SHOWN: Final = 20
"""Rejected rows that are told one by one; a run writes all of them into its rejects file."""


def check(
    source: Source,
    *,
    max_rejected: Annotated[
        str, typer.Option("--max-rejected", metavar="N|N%", help="Refuse when more rows than this are at fault.")
    ] = "5%",
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001  `main` looks for it itself
) -> int:
    """Read a customer file and say what is wrong with it; exit 0 where it would be sent, 2 where it would not."""
    ending = _read(source, max_rejected)
    if as_json:
        print_json(ending.as_json(None))
    elif ending.exit_code == 0:
        print(ending.message)
    if ending.exit_code:
        tell(f"armrest: {ending.message}")
    return ending.exit_code


def _read(source: str, max_rejected: str) -> Ending:
    from armrest.intake import InputRefused, RejectLimit, open_source

    try:
        limit = RejectLimit.parse(max_rejected)
    except ValueError as error:
        raise Refused(f"--max-rejected: {error}") from None
    looked = open_source(source)
    read = rejected = 0
    for block in looked.blocks():
        for reject in block.rejects[: max(0, MOST_SHOWN - rejected)]:
            tell(f"row {reject.row}: {reject.sentence}")
        read += block.rows
        rejected += len(block.rejects)
    if rejected > MOST_SHOWN:
        tell(f"… and {rejected - MOST_SHOWN:,} more rows")
    figures = {"read": read, "rejected": rejected, "planned": read - rejected}
    try:
        limit.check(looked.name, rejected=rejected, read=read)
    except InputRefused as refusal:
        return Ending(refusal.message, state="InputRejected", customers=figures)
    message = f"{looked.name} ({looked.description}): {read - rejected:,} of {read:,} customers would be sent"
    return Ending(message, state="Completed", exit_code=0, customers=figures)

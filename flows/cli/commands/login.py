"""`armrest login --check`: checks the login, and shows when its token expires and what it may do."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer

from flows.cli.errors import Refused
from flows.cli.flags import Json, with_settings
from flows.cli.output import print_json, print_table


@with_settings
def login(
    *,
    check: Annotated[bool, typer.Option("--check", help="Get a token, and show its claims.")] = False,
    client_no: Annotated[
        int | None,
        typer.Option(
            "--client-no", min=1, metavar="N", help="Also ask ARM whether it accepts the token for this client."
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Check the login; show when its token expires and what it may do, but never the token itself."""
    from armrest.app.login import check_login
    from tasks.connections import load_settings

    if not check:
        raise Refused("the login is read from the settings, and needs no command; to test it: armrest login --check")
    facts = asdict(asyncio.run(check_login(load_settings(), client_no=client_no)))
    if as_json:
        print_json(facts)
    else:
        print_table(("login", ""), login_rows(facts))
    return 0


def login_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the facts about a login as rows of a table."""
    rows = [("token from", facts["source"]), ("ends", facts["ends"] or "unknown: the answer does not say")]
    if facts["client_no"] is not None:
        rows.append(("ARM", f"accepts it for client {facts['client_no']}"))
    if facts["claims"] is None:
        return [*rows, ("claims", "not readable: the token is not a JWT")]
    return [*rows, *((f"claims {name}", str(value)) for name, value in facts["claims"].items())]

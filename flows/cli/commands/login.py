"""`armrest login --check`: does the login work, when does the token end, what may it do."""

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
    check: Annotated[bool, typer.Option("--check", help="Get a token, and tell what it claims.")] = False,
    client_no: Annotated[
        int | None, typer.Option("--client-no", min=1, metavar="N", help="Ask ARM, too, whether it takes it for N.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Tell whether the login works, when its token ends and what it may do; the token itself is not shown."""
    from armrest.app.login import check_login
    from tasks.connections import load_settings

    if not check:
        raise Refused("nothing is stored by a login: it is read from the settings; to try it: armrest login --check")
    told = asdict(asyncio.run(check_login(load_settings(), client_no=client_no)))
    if as_json:
        print_json(told)
    else:
        print_table(("login", ""), login_rows(told))
    return 0


def login_rows(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of a login as rows of a table."""
    rows = [("token from", told["source"]), ("ends", told["ends"] or "the answer does not tell")]
    if told["client_no"] is not None:
        rows.append(("ARM", f"takes it for client {told['client_no']}"))
    if told["claims"] is None:
        return [*rows, ("claims", "none that can be read: it is no JWT")]
    return [*rows, *((f"claims {name}", str(value)) for name, value in told["claims"].items())]

"""`armrest login --check`: does the login work, when does the token end, what may it do."""

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.flags import Json, with_settings
from flows.cli.output import print_json, print_table
from flows.cli.refusals import Refused

if TYPE_CHECKING:
    from armrest.settings import Settings


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
    from tasks.configuration import load_settings

    if not check:
        raise Refused("nothing is stored by a login: it is read from the settings; to try it: armrest login --check")
    told = asyncio.run(_check(load_settings(), client_no))
    if as_json:
        print_json(told)
    else:
        print_table(("login", ""), told_in_rows(told))
    return 0


async def _check(settings: "Settings", client_no: int | None) -> dict[str, Any]:
    from armrest.api import ClientCredentials, claims_of
    from tasks.connection import arm_client, tokens

    provider = tokens(settings)
    token = await provider.token()
    claims = claims_of(token)
    by_login = provider.ends_at if isinstance(provider, ClientCredentials) else None
    ends_at = min((end for end in (by_login, claims.ends_at if claims else None) if end is not None), default=None)
    if ends_at is not None and ends_at <= time.time():
        raise Refused(f"the token ended at {_time(ends_at)}: get a new one, or check this machine's clock")
    if client_no is not None:
        async with arm_client(settings) as arm:
            await arm.get_batch(client_no, "A" * 22)  # any answer but a refusal will do; such a batch there is none
    return {
        "source": settings.identity_url if isinstance(provider, ClientCredentials) else "ARMREST_TOKEN",
        "ends": None if ends_at is None else _time(ends_at),
        "claims": claims.members if claims else None,
        "client_no": client_no,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def told_in_rows(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of a login as rows of a table."""
    rows = [("token from", told["source"]), ("ends", told["ends"] or "the answer does not tell")]
    if told["client_no"] is not None:
        rows.append(("ARM", f"takes it for client {told['client_no']}"))
    if told["claims"] is None:
        return [*rows, ("claims", "none that can be read: it is no JWT")]
    return [*rows, *((f"claims {name}", str(value)) for name, value in told["claims"].items())]

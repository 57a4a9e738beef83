"""Check a login: whether it works, when the token expires, and its claims."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from armrest.api import ClientCredentials, claims_of
from armrest.app.environment import SettingsRefused
from armrest.app.workspace import arm_client, tokens
from armrest.settings import Settings

NO_BATCH = "A" * 22
"""A batchUuid that no batch has: sixteen zero bytes."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login that works.

    Attributes:
        source: The Identity API's address, or the setting that holds the token.
        ends: When the token ends, ISO 8601 in UTC; None if that is unknown.
        claims: The claims of the token; None if it is not a JWT.
        client_no: The client for whom ARM has accepted the token; None if ARM was not asked.
    """

    source: str
    ends: str | None
    claims: dict[str, Any] | None
    client_no: int | None


async def check_login(settings: Settings, *, client_no: int | None = None) -> Login:
    """Get a token; if a client is named, also ask ARM whether it accepts the token for it. The token is not shown.

    Raises:
        SettingsRefused: There is nothing to log in with, or the token has ended.
        ArmError: The login is refused, or no answer comes.
    """
    provider = tokens(settings)
    token = await provider.token()
    claims = claims_of(token)
    by_login = provider.ends_at if isinstance(provider, ClientCredentials) else None
    ends_at = min((end for end in (by_login, claims.ends_at if claims else None) if end is not None), default=None)
    ends = None if ends_at is None else datetime.fromtimestamp(ends_at, UTC).isoformat(timespec="seconds")
    if ends_at is not None and ends_at <= time.time():
        raise SettingsRefused(f"the token ended at {ends}: get a new one, or check this machine's clock")
    if client_no is not None:
        async with arm_client(settings, client_no=client_no) as arm:
            await arm.get_batch(client_no, NO_BATCH)  # any answer but a refusal will do
    return Login(_source(settings, provider), ends, claims.members if claims else None, client_no)


def _source(settings: Settings, provider: object) -> str:
    if isinstance(provider, ClientCredentials):
        return str(settings.identity_url)
    return f"connection {settings.connection}" if settings.connection else "ARMREST_TOKEN"

"""Get tokens, cache them until they expire, and renew them once after a 401; a token is never shown.

A provider passes the token to `ArmClient`, which sends it only to the configured origin.
"""

import asyncio
import math
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx
from pydantic import SecretStr

from armrest.api.errors import AnswerLost, ArmError, NotAuthorized, RateLimited, TryAgain, Unreachable
from armrest.api.http import RawAnswer, exchange, open_http, origin, retry_after_seconds
from armrest.api.responses import kind_of_error, parse

DEFAULT_LIFETIME_SECONDS: Final = 300.0
"""Assumed if the answer has no readable expiry."""

MAX_LIFETIME_SECONDS: Final = 86_400.0
MAX_LEEWAY_SECONDS: Final = 60.0
MAX_ANSWER_BYTES: Final = 262_144
OAUTH_ERRORS: Final = frozenset(
    {
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
"""The error codes of RFC 6749, section 5.2; nothing else of a refusal is shown."""

_TOKEN_LIKE: Final = re.compile(r"[\x21-\x7e]+")


class TokenProvider(Protocol):
    """Where the bearer token comes from."""

    async def token(self) -> str:
        """Return a token to send.

        Raises:
            NotAuthorized: No token can be obtained.
            TryAgain: No token can be obtained at the moment; nothing was sent to ARM.
        """

    async def renew(self, stale: str) -> str:
        """Replace the token that ARM has refused; many callers at once cause one renewal.

        Raises:
            NotAuthorized: No other token can be obtained.
            TryAgain: No token can be obtained at the moment; nothing was sent to ARM.
        """


class FixedToken:
    """A given token; if ARM refuses it, there is no other."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    async def token(self) -> str:
        """Return the token.

        Raises:
            NotAuthorized: The text cannot be a token.
        """
        token = self._token.get_secret_value().strip()
        if not _TOKEN_LIKE.fullmatch(token):
            raise NotAuthorized("the token is empty or holds characters that no token has; check ARMREST_TOKEN")
        return token

    async def renew(self, stale: str) -> str:  # noqa: ARG002 -- there is only one token
        """Refuse: a fixed token cannot be renewed.

        Raises:
            NotAuthorized: Always.
        """
        raise NotAuthorized(
            "ARM refused the token (401); check ARMREST_TOKEN, it may have expired", status=HTTPStatus.UNAUTHORIZED
        )


class ClientCredentials:
    """A login at the Identity API: OAuth client credentials, cached until they expire.

    Args:
        identity_url: e.g. `https://auth.staging.amili.no`.
        timeout_seconds: The longest wait for the login's answer.
        now: Unix time.

    Source: POST {identity}/token: documented for the vendor's Collection API, inferred for ARM.
    """

    def __init__(
        self,
        identity_url: str,
        client_id: str,
        client_secret: SecretStr,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.time,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._origin = origin(identity_url)
        self._url = f"{identity_url.rstrip('/')}/token"
        self._client_id = client_id
        self._client_secret = client_secret
        self._transport = transport
        self._now = now
        self._timeout_seconds = timeout_seconds
        self._token = SecretStr("")
        self._good_until = -math.inf
        self._ends_at: float | None = None
        self._login: asyncio.Task[None] | None = None

    @property
    def ends_at(self) -> float | None:
        """When the token expires, in Unix time; None before a login, or if the answer did not say."""
        return self._ends_at

    async def token(self) -> str:
        """Return the cached token, or log in."""
        if self._now() >= self._good_until:
            await self._log_in_once()
        return self._token.get_secret_value()

    async def renew(self, stale: str) -> str:
        """Return the token that replaced the stale one, or log in."""
        if self._token.get_secret_value() == stale:
            self._good_until = -math.inf
        return await self.token()

    async def _log_in_once(self) -> None:
        """Join the login under way, or start one; a cancelled caller does not cancel it for the others."""
        if self._login is None:
            self._login = asyncio.create_task(self._log_in())
            self._login.add_done_callback(self._logged_in)
        await asyncio.shield(self._login)

    def _logged_in(self, _: asyncio.Task[None]) -> None:
        self._login = None

    async def _log_in(self) -> None:
        """Get a token and store it; if it were returned, it would appear in the repr of a task."""
        asked_at = self._now()
        answer = await self._ask()
        payload = parse(answer.body or b"")
        if answer.status != HTTPStatus.OK:
            raise self._refusal(answer, payload)
        token = payload.get("access_token") if isinstance(payload, dict) else None
        if not isinstance(token, str) or not _TOKEN_LIKE.fullmatch(token):
            raise Unreachable(f"{self._origin} answered the login without a token", status=answer.status)
        lifetime = _lifetime_seconds(payload, asked_at)
        self._token, self._good_until = SecretStr(token), _good_until(lifetime, asked_at)
        self._ends_at = None if lifetime is None else asked_at + lifetime

    async def _ask(self) -> RawAnswer:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.get_secret_value(),
        }
        http = open_http(transport=self._transport, timeout_seconds=self._timeout_seconds, pool_size=1)
        try:
            async with http:
                request = http.build_request("POST", self._url, data=form)
                return await exchange(
                    http, request, timeout_seconds=self._timeout_seconds, max_answer_bytes=MAX_ANSWER_BYTES
                )
        except AnswerLost:
            raise Unreachable(f"{self._origin} gave no answer to the login; nothing was sent to ARM") from None

    def _refusal(self, answer: RawAnswer, payload: Any) -> ArmError:
        kind = kind_of_error(answer.status)
        if issubclass(kind, TryAgain) and answer.status >= HTTPStatus.BAD_REQUEST:
            wait = retry_after_seconds(answer.headers, self._now())
            event = f"{self._origin} gives no token at the moment ({answer.status}); nothing was sent to ARM"
            again = kind if issubclass(kind, RateLimited) else Unreachable  # not ARM's failure: nothing is in doubt
            return again(event, status=answer.status, retry_after_seconds=wait)
        word = payload.get("error") if isinstance(payload, dict) else None
        oauth_error = f", {word}" if isinstance(word, str) and word in OAUTH_ERRORS else ""
        return NotAuthorized(
            f"{self._origin} refused the login ({answer.status}{oauth_error}); check ARMREST_IDENTITY_URL, "
            "ARMREST_IDENTITY_CLIENT_ID and ARMREST_IDENTITY_CLIENT_SECRET",
            status=answer.status,
        )


def _good_until(lifetime_seconds: float | None, asked_at: float) -> float:
    """Return when to log in again: shortly before the token expires."""
    lifetime = min(lifetime_seconds or DEFAULT_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS)
    return asked_at + lifetime - min(MAX_LEEWAY_SECONDS, lifetime / 10)


def _lifetime_seconds(payload: dict[str, Any], asked_at: float) -> float | None:
    """Return the lifetime of the token by the earlier expiry in the answer, or None.

    An `expires_on` in the past means that one of the clocks is wrong, so it is ignored.
    """
    lifetimes = [_number(payload.get("expires_on")) - asked_at, _number(payload.get("expires_in"))]
    return min((seconds for seconds in lifetimes if seconds > 0), default=None)


def _number(value: Any) -> float:
    """Return a number that may be text; NaN, which compares false with everything, for anything else."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan

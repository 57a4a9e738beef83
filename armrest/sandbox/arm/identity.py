"""The Identity API: the tokens that were issued, and which are still valid."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

SERVED_BEFORE_EXPIRY: Final = 20
"""A token serves at least this many requests before a fault expires it. A client takes two fresh tokens that are
refused in a row for a wrong login."""


@dataclass(slots=True)
class _Issued:
    expires: float
    served: int = 0


class Tokens:
    """The tokens that the sandbox accepts: a fixed one that never expires, and issued ones."""

    def __init__(self, fixed: str, *, now: Callable[[], float], entropy: Callable[[int], bytes]) -> None:
        self.fixed = fixed
        self._now = now
        self._entropy = entropy
        self._issued: dict[str, _Issued] = {}

    def issue(self, client_id: str, lifetime_seconds: float) -> str:
        """Return a new token in the form of a JWT, without a signature, valid for this many seconds."""
        now = self._now()
        claims = {"iss": "sandbox", "sub": client_id, "aud": "arm", "nbf": int(now), "exp": int(now + lifetime_seconds)}
        parts = (orjson.dumps({"alg": "none", "typ": "JWT"}), orjson.dumps(claims), self._entropy(16))
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self._issued[token] = _Issued(now + lifetime_seconds)
        return token

    def accept(self, token: str) -> bool:
        """Count a request with this token; return whether the token is valid now."""
        issued = self._issued.get(token)
        if issued is None:
            return token == self.fixed
        issued.served += 1
        return self._now() < issued.expires

    def expire(self, token: str) -> bool:
        """Expire a token early; return whether it could expire."""
        issued = self._issued.get(token)
        if issued is None or issued.served < SERVED_BEFORE_EXPIRY:
            return False
        issued.expires = self._now()
        return True

"""The Identity API's side of it: tokens issued, and which are still good."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SERVED_BEFORE_EXPIRY: Final = 20
"""A token is never ended early before it has served so many requests: two fresh tokens refused in a row are a wrong
login to any client, not one that has expired."""


@dataclass(slots=True)
class _Issued:
    expires: float
    served: int = 0


class Tokens:
    """The tokens that open the sandbox: a fixed one that never expires, and those that were issued."""

    def __init__(self, fixed: str, *, now: Callable[[], float], entropy: Callable[[int], bytes]) -> None:
        self.fixed = fixed
        self._now = now
        self._entropy = entropy
        self._issued: dict[str, _Issued] = {}

    def issue(self, lifetime_seconds: float) -> str:
        """A new token, good for so many seconds."""
        token = f"sandbox-{self._entropy(16).hex()}"
        self._issued[token] = _Issued(self._now() + lifetime_seconds)
        return token

    def good(self, token: str) -> bool:
        """Whether the token opens the API now; counts the request that it serves."""
        issued = self._issued.get(token)
        if issued is None:
            return token == self.fixed
        issued.served += 1
        return self._now() < issued.expires

    def expire(self, token: str) -> bool:
        """End a token before its time; return whether it was one that can end."""
        issued = self._issued.get(token)
        if issued is None or issued.served < SERVED_BEFORE_EXPIRY:
            return False
        issued.expires = self._now()
        return True

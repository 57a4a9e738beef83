"""Requests to the sandbox and its replies, independent of any framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import orjson


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `headers` has lower-case names; `path` has no query, `query` its values by name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def bearer(self) -> str:
        """The bearer token, or `""` if none was sent."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""


class Acknowledged(Protocol):
    """A batch that a reply acknowledges. `answered`: as far as we know, the client has its batchUuid."""

    answered: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, and its transport faults.

    Args:
        wait_seconds: How long the transport holds the answer back.
        broken: `reset` breaks the connection without an answer, `cut` in the middle of one.
        batch: The batch that this reply acknowledges, if any.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    broken: Literal["", "reset", "cut"] = ""
    batch: Acknowledged | None = field(default=None, compare=False)


def json_reply(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a JSON reply."""
    return Reply(status, orjson.dumps(content), {"content-type": "application/json", **(headers or {})})

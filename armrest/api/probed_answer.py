"""Describe the shape of an answer, to learn the API, without any personal data."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from armrest.api.http import RawAnswer
from armrest.api.redaction import redact
from armrest.api.responses import NotJson, parse

_SAFE_HEADERS: Final = re.compile(
    r"content-(type|length|encoding)|retry-after|(x-)?rate-?limit.*|server|via|www-authenticate"
)
"""Headers whose values are neither secret nor personal."""

_ADDRESSES: Final = frozenset({"nextPage", "lastPage", "getResult"})
"""Keys whose texts are ARM's own addresses, shown as they are."""

_KINDS: Final[dict[type, str]] = {bool: "boolean", int: "integer", float: "number", str: "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedAnswer:
    """The answer to a question.

    Attributes:
        headers: The values of headers that are safe to show; `…` for all others.
        evidence: The body, redacted.
        shape: The body with types instead of values: `{"customerNo": "text", "dueDays": "integer"}`.
        payload: The body itself. It may hold personal data, and is written to no file.
    """

    http_status: int
    headers: dict[str, str]
    evidence: str
    shape: Any
    request_id: str
    payload: Any


def describe_answer(answer: RawAnswer, known: Iterable[str]) -> ProbedAnswer:
    """Return the answer, described without values."""
    payload = parse(answer.body or b"")
    return ProbedAnswer(
        http_status=answer.status,
        headers={name: value if _SAFE_HEADERS.fullmatch(name) else "…" for name, value in answer.headers.items()},
        evidence=redact(payload, known),
        shape=None if isinstance(payload, NotJson) else shape_of(payload),
        request_id=answer.request_id,
        payload=payload,
    )


def shape_of(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with types instead of values; of a list, only its first three members."""
    if isinstance(value, dict) and depth < 8:  # noqa: PLR2004 -- deeper than any answer that we know of
        return {name: member if name in _ADDRESSES else shape_of(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [shape_of(member, depth + 1) for member in value[:3]]
    return None if value is None else _KINDS.get(type(value), "object")

"""Check whether the services answer, without a token.

Source: the menus of ARM and Identity name Health (documented). The path `GET …/health` and its answer are inferred.
"""

import time
from dataclasses import dataclass
from typing import Final

import httpx

from armrest.api.errors import ArmError
from armrest.api.http import exchange, open_http, origin
from armrest.api.redaction import redact
from armrest.api.responses import parse

PATH: Final = "health"
MAX_ANSWER_BYTES: Final = 65_536
_VERDICTS: Final = {
    200: (True, "healthy"),
    401: (None, "answers, but requires a login for this"),
    403: (None, "answers, but requires a login for this"),
    404: (None, "answers, but has no such page"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a service answered.

    Attributes:
        healthy: True for a 200, False for a failure, None if the answer does not say.
        verdict: The same in words.
        said: The redacted body of the answer.
    """

    url: str
    healthy: bool | None
    verdict: str
    http_status: int | None
    seconds: float
    said: str = ""


async def ask_health(
    base_url: str, *, transport: httpx.AsyncBaseTransport | None = None, timeout_seconds: float = 30.0
) -> Health:
    """Ask a service, ARM or Identity, for its health, once. A failure is returned, not raised."""
    origin(base_url)
    url, began = f"{base_url.rstrip('/')}/{PATH}", time.perf_counter()
    try:
        async with open_http(transport=transport, timeout_seconds=timeout_seconds, pool_size=1) as http:
            request = http.build_request("GET", url)
            answer = await exchange(http, request, timeout_seconds=timeout_seconds, max_answer_bytes=MAX_ANSWER_BYTES)
    except ArmError as error:
        seconds = time.perf_counter() - began
        return Health(url=url, healthy=False, verdict=error.message, http_status=None, seconds=seconds)
    healthy, verdict = _VERDICTS.get(answer.status, (False, "in trouble"))
    return Health(
        url=url,
        healthy=healthy,
        verdict=verdict,
        http_status=answer.status,
        seconds=time.perf_counter() - began,
        said=redact(parse(answer.body or b"")),
    )

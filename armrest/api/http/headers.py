"""Read headers of an answer: when to try again, and ARM's id of the request."""

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

REQUEST_ID: Final = "X-Request-ID"
"""Assumed harmless: sent with every request, so that Amili can find it in their logs."""

ANSWERED_IDS: Final = (REQUEST_ID, "X-Correlation-ID", "Request-Id", "x-ms-request-id")
"""Assumed: headers in which an answer may give its own id, the most reliable first."""

_ID_LIKE: Final = re.compile(r"[\w.:|\-]{1,100}", re.ASCII)


def request_id(headers: Mapping[str, str], ours: str) -> str:
    """Return the id that the answer gives, or ours if it gives none that can be shown."""
    named = (headers.get(name, "") for name in ANSWERED_IDS)
    return next((name for name in named if _ID_LIKE.fullmatch(name)), ours)


def retry_after_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that `Retry-After` asks to wait, or None if it cannot be read.

    It may be seconds or a date. A date counts from the answer's own `Date`, so that our clock does not matter, or else
    from `now` (Unix time). A past date or a negative number is 0; there is no upper bound.
    """
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        until = _unix_time(text)
        if until is None:
            return None
        answered = _unix_time(headers.get("Date", ""))
        seconds = until - (now if answered is None else answered)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _unix_time(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

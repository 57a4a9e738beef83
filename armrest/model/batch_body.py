"""The body of a batch: documented as `{"metadata": {"userId": …}, "customers": […]}`."""

from collections.abc import Iterable
from typing import Any

import orjson

TAIL = b"]}"


def head(user_id: str) -> bytes:
    """Return the bytes before the first customer."""
    return b'{"metadata":{"userId":' + orjson.dumps(user_id) + b'},"customers":['


def envelope(user_id: str, customers: Iterable[bytes]) -> bytes:
    """Return the body with these customers, which are already serialised.

    They are joined in one go: each copy of half a megabyte is new memory, which costs more than the joining.
    """
    parts = list(customers) or [b""]
    parts[0] = head(user_id) + parts[0]
    parts[-1] += TAIL
    return b",".join(parts)


def customers_in(body: bytes) -> list[dict[str, Any]]:
    """Return the customers of a body from `envelope`, in its order."""
    customers: list[dict[str, Any]] = orjson.loads(body)["customers"]
    return customers

"""Read the claims of a token, without verifying it: only ARM can do that."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from armrest.api.responses import parse


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a JWT, and when it expires, in Unix time; None if it does not say."""

    members: dict[str, Any]
    ends_at: float | None


def claims_of(token: str) -> Claims | None:
    """Return the claims of a token, or None if it is not a JWT. No claim contains the token itself.

    Source: that ARM's token is a JWT, documented; the claims of RFC 7519, inferred.
    """
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 -- header, claims, signature
        return None
    try:
        members = parse(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(members, dict):
        return None
    ends = members.get("exp")
    if isinstance(ends, bool) or not isinstance(ends, int | float):
        return Claims(members, None)
    return Claims(members, float(ends))

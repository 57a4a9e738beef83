"""What a token says about itself. It is read, not verified: only ARM can do that."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from armrest.api.responses import parse


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a JWT, and when it ends by them, in Unix time; None where it does not say."""

    members: dict[str, Any]
    ends_at: float | None


def claims_of(token: str) -> Claims | None:
    """Return what a token claims, or None where it is no JWT. The token's own text is in no claim.

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

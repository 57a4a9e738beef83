"""Lengths of time as people write them: `90s`, `30m`, `2h`, `7d`."""

import re
from typing import Annotated, Final

from pydantic import Field

DURATION: Final = r"^\d+(\.\d+)?[smhd]$"
"""The pattern of flags and form fields."""

Duration = Annotated[str, Field(pattern=DURATION)]
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_in(duration: str) -> float:
    """Return a length of time in seconds.

    Raises:
        ValueError: It is not written as `DURATION` says.
    """
    if not re.fullmatch(DURATION, duration):
        raise ValueError(f"{duration!r} is not a length of time: write 90s, 30m, 2h or 1d")
    return float(duration[:-1]) * _SECONDS[duration[-1]]

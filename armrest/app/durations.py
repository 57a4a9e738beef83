"""Lengths of time as people write them: `90s`, `30m`, `2h`, `7d`, `5 minutes`, `2 timer`, `1 dag`."""

import re
from typing import Annotated, Final

from armrest.model import TypedText

_UNITS: Final = {
    1: ("s", "sec", "secs", "second", "seconds", "sek", "sekund", "sekunder"),
    60: ("m", "min", "mins", "minute", "minutes", "minutt", "minutter", "minut", "minuter"),
    3600: ("h", "hr", "hrs", "hour", "hours", "t", "time", "timer", "timme", "timmar"),
    86_400: ("d", "day", "days", "dag", "dager", "dagar", "døgn", "dygn"),
}
"""Units by their seconds, in English, Norwegian and Swedish."""
_SECONDS: Final = {unit: seconds for seconds, units in _UNITS.items() for unit in units}
_LETTERS: Final = "|".join(unit for unit in _SECONDS if len(unit) == 1)
_WORDS: Final = "|".join(unit for unit in _SECONDS if len(unit) > 1)
DURATION: Final = rf"^\s*(\d+(?:[.,]\d+)?)\s*((?i:{_WORDS})|{_LETTERS})\s*$"
"""The pattern of flags and form fields. A single letter is lower case: `30M` might mean months."""

Duration = Annotated[str, TypedText(DURATION, expected="a length of time, such as 30m, 2h or 5 minutes")]


def seconds_in(duration: str) -> float:
    """Return a length of time in seconds.

    Raises:
        ValueError: The text does not match `DURATION`.
    """
    written = re.search(DURATION, duration)
    if written is None:
        raise ValueError(f"{duration!r} is not a length of time: write 90s, 30m, 2h or 1d, or 5 minutes")
    number, unit = written.groups()
    return float(number.replace(",", ".")) * _SECONDS[unit.lower()]

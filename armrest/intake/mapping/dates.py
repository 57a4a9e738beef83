"""Dates as they are met in the wild, rewritten as ARM has them; the order of day and month is never guessed."""

import re
from collections.abc import Callable
from datetime import date
from typing import Final

ToIso = Callable[[str], str]
"""Gives `YYYY-MM-DD`; `""` for a date of zeros, which is SAP's word for none; or the cell as it was where it cannot be
read so: a rule will find it."""

_TOKENS: Final = {
    "YYYY": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "DD": r"(?P<day>\d{2})",
    "D": r"(?P<day>\d{1,2})",
}
_MIDNIGHT: Final = r"(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"


def date_format(text: str) -> ToIso:
    """Read dates of this form, such as `DD.MM.YYYY` or `D/M/YYYY`; a time of midnight after it is passed over.

    Raises:
        ValueError: It does not hold YYYY, MM or M, and DD or D, once each.
    """
    parts = re.split("(YYYY|MM?|DD?)", text)
    if sorted(part[0] for part in parts[1::2]) != ["D", "M", "Y"]:
        raise ValueError(f"{text!r} is no date format: write YYYY, MM (or M) and DD (or D) once each, as in DD.MM.YYYY")
    return _reader("".join(_TOKENS[part] if at % 2 else re.escape(part) for at, part in enumerate(parts)))


def _reader(pattern: str) -> ToIso:
    matches = re.compile(pattern + _MIDNIGHT, re.ASCII).fullmatch

    def to_iso(cell: str) -> str:
        found = matches(cell)
        if found is None:
            return cell
        year, month, day = int(found["year"]), int(found["month"]), int(found["day"])
        if not (year or month or day):
            return ""
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return cell

    return to_iso


year_first: Final = _reader(r"(?P<year>\d{4})(?P<mark>[-/.]?)(?P<month>\d{2})(?P=mark)(?P<day>\d{2})")
"""Reads what can be read in one way only: `1980-01-31`, `19800131`, `1980/01/31`, `1980.01.31`."""

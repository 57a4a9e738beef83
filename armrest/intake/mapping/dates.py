"""Convert common date formats to ARM's; the order of day and month is never guessed."""

import re
from collections.abc import Callable
from datetime import date
from typing import Final

ToIso = Callable[[str], str]
"""Returns `YYYY-MM-DD`, or `""` for a date of zeros, which means none in SAP. A cell that does not match is returned
unchanged, and a rule will report it."""

_TOKENS: Final = {
    "YYYY": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "DD": r"(?P<day>\d{2})",
    "D": r"(?P<day>\d{1,2})",
}
_MIDNIGHT: Final = r"(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"


def date_format(text: str) -> ToIso:
    """Return a reader of dates in this format, such as `DD.MM.YYYY` or `D/M/YYYY`; a time of midnight is ignored.

    Raises:
        ValueError: The format does not have YYYY, MM or M, and DD or D, once each.
    """
    parts = re.split("(YYYY|MM?|DD?)", text)
    if sorted(part[0] for part in parts[1::2]) != ["D", "M", "Y"]:
        raise ValueError(f"{text!r} is not a date format: write YYYY, MM (or M) and DD (or D) once each: DD.MM.YYYY")
    return _reader("".join(_TOKENS[part] if index % 2 else re.escape(part) for index, part in enumerate(parts)))


def _reader(pattern: str) -> ToIso:
    matches = re.compile(pattern + _MIDNIGHT, re.ASCII).fullmatch

    def to_iso(cell: str) -> str:
        parts = matches(cell)
        if parts is None:
            return cell
        year, month, day = int(parts["year"]), int(parts["month"]), int(parts["day"])
        if not (year or month or day):
            return ""
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return cell

    return to_iso


year_first: Final = _reader(r"(?P<year>\d{4})(?P<mark>[-/.]?)(?P<month>\d{2})(?P=mark)(?P<day>\d{2})")
"""Reads the unambiguous formats: `1980-01-31`, `19800131`, `1980/01/31`, `1980.01.31`."""

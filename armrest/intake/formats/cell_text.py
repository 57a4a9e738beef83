"""Write typed values as a person would: no `12345.0`, no `4.7E+10`."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

BLANKS_AND_MARKS: Final = (
    " \t\r\n\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u061c"
)
"""What nobody sees around a cell or a heading: blanks of any width, and marks of no width, as copying from a dialog of
Windows leaves them."""
_EXACT: Final = 10**15
"""A spreadsheet's numbers are exact below this. Larger ones have lost digits, and are written so that it shows."""


HIDDEN: Final = "#HIDDEN!"
"""A cell that is struck out or hidden, or a part of it. Nobody can say which part is the value."""


def texts_of(values: Iterable[Any]) -> list[str]:
    """The text of each value, `""` for None."""
    return [value if type(value) is str else text_of(value) for value in values]


def text_of(value: object) -> str:
    """The text of one value, `""` for None; a time of midnight is omitted."""
    return _TEXTS.get(type(value), str)(value)


def _of_number(value: Any) -> str:
    if value != value:  # noqa: PLR0124  only NaN differs from itself
        return ""
    if value == value // 1 and abs(value) < _EXACT:
        return str(int(value))
    return f"{value:f}" if isinstance(value, Decimal) else repr(value)


def _of_datetime(value: datetime) -> str:
    return value.date().isoformat() if value.time() == time() else value.isoformat(" ")


_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: "",
    bool: lambda value: "true" if value else "false",
    float: _of_number,
    Decimal: _of_number,
    datetime: _of_datetime,
    date: date.isoformat,
}

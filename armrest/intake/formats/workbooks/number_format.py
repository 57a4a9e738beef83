"""Decide by a spreadsheet's number format what a person sees: a date, or a number with leading zeros or with words.

Source: ECMA-376 part 1, 18.8.30 (numFmts) and 18.8.31. Only what changes the meaning of a cell is rendered: padding and
fixed signs, as in `00000`, `"K-"0000` or `0" A"`. Separators of thousands, rounding and currencies are not: the value
is read.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Final

from armrest.intake.formats.cell_text import text_of

MAX_EXACT: Final = 10**15
BUILT_IN: Final[Mapping[int, str]] = {
    **dict.fromkeys((14, 15, 16, 17, 22, *range(27, 32), 36, *range(50, 59)), "yyyy-mm-dd"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47), "hh:mm:ss"),
    46: "[h]:mm:ss",
}
"""The formats that a file refers to by number alone, as far as they matter here."""
BAD_DATE: Final = "#NUM!"
"""A number that cannot be a date; a spreadsheet shows `#####`."""
UNCALCULATED: Final = "#UNCALCULATED!"
"""A formula without a result: a program wrote the file, and no spreadsheet has opened it since."""

_SIGNS: Final = re.compile(r'"([^"]*)"?|\\(.)|_(.)|\*.|\[([^\]]*)\]|(General)|(.)', re.DOTALL | re.IGNORECASE)
_CONDITION: Final = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)")
CURRENCIES: Final = frozenset(
    ("kr", "nok", "sek", "dkk", "isk", "eur", "usd", "gbp", "chf", "pln", "czk", "zł", "kč", "€", "$", "£")
)
_DECIMALS: Final = re.compile(r"[#0,]*[#0]\.(0+)#*")
_PLAIN_SIGNS: Final = frozenset("-+/() :'~{}<>=!^&$ ")
_DATE_LETTERS: Final = frozenset("ymdhs")
_START_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001  a spreadsheet has no time zones
_START_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001  see above
_START_OF_DAY: Final = _START_1904
_FIRST_REAL_SERIAL: Final = 60
"""Excel believes that 1900 was a leap year: smaller serial numbers count from one day later."""
_TESTS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "=": lambda value, limit: value == limit,
    "<>": lambda value, limit: value != limit,
}


class Kind(Enum):
    """What the numbers of a format are."""

    NUMBER = "number"
    PADDED = "padded"
    DATE = "date"
    DURATION = "duration"


class NumberFormat:
    """A number format.

    Attributes:
        kind: `PADDED` if some numbers are shown with zeros or signs that their value does not have.
    """

    def __init__(self, code: str) -> None:
        self._sections = [_Section(text) for text in _sections(code)]
        first = self._sections[0]
        if first.is_date:
            self.kind = Kind.DURATION if first.is_duration else Kind.DATE
        else:
            self.kind = Kind.PADDED if any(section.is_padded for section in self._sections) else Kind.NUMBER

    def padded(self, value: float) -> str | None:
        """The number as it is shown; None if it is shown without zeros or signs of its own, or only in groups."""
        if value < 0 or value >= MAX_EXACT:
            return None
        section = next((section for section in self._sections if section.applies_to(value)), self._sections[0])
        text = section.padded(value) if section.is_padded else None
        return None if text is None or text.replace(" ", "") == text_of(value) else text


class _Section:
    def __init__(self, text: str) -> None:
        self._pieces: list[str | None] = []
        """The fixed signs, and None for each digit, or for the whole of a number that is not shown digit by digit."""
        self._zeros = 0
        self._condition: tuple[str, float] | None = None
        self.is_date = self.is_duration = False
        self._is_plain = True
        digits = ""
        for quoted, escaped, width, bracket, general, sign in _SIGNS.findall(text):
            if bracket:
                self._read_bracket(bracket)
            elif sign in {"0", "#"} and sign:
                self._pieces.append(None)
                self._zeros += sign == "0"
                digits += sign
            elif literal := quoted or escaped or (sign if sign in _PLAIN_SIGNS else "") or (width and " "):
                self._pieces.append(literal)
            elif sign.casefold() in _DATE_LETTERS and sign:
                self.is_date = True
            elif general or sign:
                self._is_plain = False
                digits += general or sign
                if general or sign == "?":
                    self._pieces.append(None)
        places = _DECIMALS.fullmatch(digits)
        self._decimals = len(places[1]) if places else 0
        self._has_words = None in self._pieces and any(map(_is_word, (self._before, self._after)))
        self.is_padded = not self.is_date and (self._has_words or (self._is_plain and self._pads()))

    def applies_to(self, value: float) -> bool:
        """Whether this section is for this number."""
        return self._condition is None or _TESTS[self._condition[0]](value, self._condition[1])

    def padded(self, value: float) -> str | None:
        """The number with its zeros and signs; None for a fraction without words."""
        if self._is_plain and value == int(value):
            return self._digits(int(value))
        if not self._has_words:
            return None
        number = text_of(value)
        if self._decimals:
            whole, _, fraction = number.partition(".")
            number = f"{whole}.{fraction.ljust(self._decimals, '0')}"
        return f"{self._before}{number}{self._after}".strip()

    @property
    def _before(self) -> str:
        return "".join(filter(None, self._pieces[: self._pieces.index(None)]))

    @property
    def _after(self) -> str:
        return "".join(filter(None, self._pieces[self._pieces.index(None) :]))

    def _digits(self, value: int) -> str:
        digits = list(str(value).zfill(self._zeros))
        pieces: list[str] = []
        last = len(self._pieces)
        first = self._pieces.index(None)
        for position in range(last - 1, -1, -1):
            piece = self._pieces[position]
            if piece is not None:
                pieces.append(piece)
            elif position == first:
                pieces.append("".join(digits))
                digits = []
            elif digits:
                pieces.append(digits.pop())
        return "".join(reversed(pieces)).strip()

    def _read_bracket(self, text: str) -> None:
        if text.casefold().strip("hms") == "":
            self.is_date = self.is_duration = True
        elif condition := _CONDITION.fullmatch(text):
            self._condition = (condition[1], float(condition[2]))
        elif text.startswith("$"):
            self._pieces.append(text[1:].partition("-")[0])

    def _pads(self) -> bool:
        if None not in self._pieces or is_currency(self._before):
            return False
        last = len(self._pieces) - self._pieces[::-1].index(None)
        between = "".join(filter(None, self._pieces[self._pieces.index(None) : last]))
        return self._zeros > 1 or self._before.strip().startswith("+") or any(sign in between for sign in "-/")


def is_currency(text: str) -> bool:
    """Whether the signs before or after a number only name a currency."""
    return text.casefold().strip(" .,-\u00a0") in CURRENCIES


def _is_word(text: str) -> bool:
    return any(map(str.isalnum, text)) and not is_currency(text)


def _sections(code: str) -> list[str]:
    """The sections of a format: for positive numbers, for negative ones, and so on."""
    sections = [""]
    for match in _SIGNS.finditer(code):
        if match[0] == ";":
            sections.append("")
        else:
            sections[-1] += match[0]
    return sections


def date_of_serial(serial: float, *, is_1904: bool) -> datetime | date | time | str:
    """The date of a serial number, rounded to milliseconds; a time if it is below 1; `BAD_DATE` if there is none."""
    if 0 <= serial < 1:
        return (_START_OF_DAY + _rounded(serial)).time()
    start = _START_1904 if is_1904 else _START_1900 if serial >= _FIRST_REAL_SERIAL else _START_1900 + timedelta(1)
    try:
        return start + _rounded(serial) if serial >= 0 else BAD_DATE
    except (OverflowError, ValueError):
        return BAD_DATE


def duration_of_serial(serial: float) -> timedelta | str:
    """A duration in days."""
    try:
        return _rounded(serial)
    except (OverflowError, ValueError):
        return BAD_DATE


def _rounded(days: float) -> timedelta:
    return timedelta(milliseconds=round(days * 86_400_000))

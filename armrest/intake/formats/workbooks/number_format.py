"""Decide by a spreadsheet's number format what a person sees: a date, or a number with leading zeros or with words.

Source: ECMA-376 part 1, 18.8.30 (numFmts) and 18.8.31. Only what changes the meaning of a cell is rendered: padding and
fixed signs, as in `00000`, `"K-"0000` or `0" A"`. A number with words is rounded as it is shown. Without words, the
value is read: separators of thousands, rounding and currencies are not rendered.

The standard does not say where a section with a condition shows a minus. What Excel does is known from the tests of
borgar/numfmt (`test/conditionals.spec.ts`), whose author compared them with Excel.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import Enum
from typing import Final

from armrest.intake.formats.cell_text import text_of

MAX_EXACT: Final = 10**15
_MAX_SECTIONS: Final = 4
"""Three for numbers, and one for texts."""
_POSITIVE: Final = (">", 0.0)
"""The condition of a first section without one, if another section has one."""
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
NOT_RENDERED: Final = "#FORMAT!"
"""A number that is shown in a way that is not rendered here: with words, as percent or as a fraction `1/2`; or as
`#####`, because its format has no section for it."""

_SIGNS: Final = re.compile(r'"([^"]*)"?|\\(.)|_(.)|\*.|\[([^\]]*)\]|(General)|(.)', re.DOTALL | re.IGNORECASE)
_CONDITION: Final = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)")
_BRACKETS: Final = re.compile(r"(?:\[[^\]]*\])*")
"""A section with a colour or a condition only shows numbers as `General`."""
CURRENCIES: Final = frozenset(
    ("kr", "nok", "sek", "dkk", "isk", "eur", "usd", "gbp", "chf", "pln", "czk", "zł", "kč", "€", "$", "£")
)
_PLACES: Final = re.compile(r"(?P<whole>[#0?,]*?)(?P<scale>,*)(?P<point>\.(?P<decimals>[#0?]*)(?P<more>,*))?")
"""The digits of a format; commas behind them divide by a thousand."""
_ROUNDING: Final = Context(prec=100, rounding=ROUND_HALF_UP)
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
        sections = [_Section(text) for text in _sections(code)]
        if len(sections) < _MAX_SECTIONS and sections[-1].is_for_texts:
            sections.pop()
        self._sections = sections[: _MAX_SECTIONS - 1] or [_Section("")]
        self._has_conditions = any(section.condition for section in self._sections)
        self._hides = len({section.is_blank for section in self._sections}) > 1
        """Whether some numbers are not shown. If none is, the column is hidden, and is read as other hidden columns."""
        first = self._sections[0]
        if first.is_date:
            self.kind = Kind.DURATION if first.is_duration else Kind.DATE
        else:
            is_padded = self._hides or any(section.is_padded or section.hides_zero for section in self._sections)
            self.kind = Kind.PADDED if is_padded else Kind.NUMBER

    def padded(self, value: float) -> str | None:
        """The number as it is shown; None if it is shown without zeros or signs of its own, or only in groups."""
        section = self._section_of(value)
        if section is None:
            return NOT_RENDERED if self.kind is Kind.PADDED else None
        if (section.is_blank and self._hides) or (value == 0 and section.hides_zero):
            return ""
        if not section.is_padded or (value < 0 and not section.has_words):
            return None
        if abs(value) >= MAX_EXACT:
            return NOT_RENDERED if section.has_words else None
        text = section.padded(abs(value))
        is_zero = section.shows_digits and text == section.padded(0)
        if text is not None and text != NOT_RENDERED and value < 0 and not is_zero and self._adds_minus(section):
            text = f"-{text}"
        return None if text is None or text.replace(" ", "") == text_of(value) else text

    def _section_of(self, value: float) -> "_Section | None":
        """The section for a number; None if no section is for it, or if spreadsheets differ in which one is."""
        sections = self._sections
        if not self._has_conditions:
            place = 0 if value > 0 else 1 if value < 0 else 2
            return sections[place] if place < len(sections) else sections[0]
        first, *others = sections
        if _meets(value, first.condition or _POSITIVE):
            return first
        if len(others) > 1 and others[0].condition is None:
            return None
        if not others:
            return _Section("General")
        return next((it for it in others if it.condition is None or _meets(value, it.condition)), None)

    def _adds_minus(self, section: "_Section") -> bool:
        """Whether a negative number has a minus in this section, which its signs do not have."""
        first = self._sections[0]
        if not self._has_conditions:
            return section is first
        if section.condition is not None:
            sign, limit = section.condition
            is_for_negatives = (sign in {"<", "<=", "="} and limit < 0) or (sign == "<" and limit == 0)
            return not is_for_negatives
        if len(self._sections) > 2:  # noqa: PLR2004  the last of three is for all other numbers
            return True
        sign, limit = first.condition or _POSITIVE
        return sign == "=" or (sign in {">", ">="} and limit >= 0)


class _Section:
    def __init__(self, text: str) -> None:
        self._pieces: list[str | None] = []
        """The fixed signs, and None for each digit, or for the whole of a number that is not shown digit by digit."""
        self._zeros = 0
        self.condition: tuple[str, float] | None = None
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
        self._digits_shown = digits
        self.is_for_texts = "@" in digits
        self.shows_digits = None in self._pieces
        is_general = text != "" and _BRACKETS.fullmatch(text) is not None
        self.is_blank = not (is_general or digits or self.is_date or "".join(filter(None, self._pieces)).strip())
        self.has_words = not self.is_for_texts and any(map(_is_word, (self._before, self._between, self._after)))
        self.hides_zero = not self.is_date and self._hides_zero()
        self.is_padded = not self.is_date and (self.has_words or (self._is_plain and self._pads()))

    def padded(self, value: float) -> str | None:
        """The number with its zeros and signs; None for a fraction without words."""
        if not self.has_words:
            return self._digits(int(value)) if self._is_plain and value == int(value) else None
        if not self.shows_digits:
            return self._before.strip()
        if self._is_plain:
            return self._digits(int(_rounded_to(Decimal(repr(value)), 0)))
        number = None if self._between.strip() else self._number(value)
        return NOT_RENDERED if number is None else f"{self._before}{number}{self._after}".strip()

    def _number(self, value: float) -> str | None:
        """The digits between the words, rounded; None if they are not shown as a decimal number."""
        if self._digits_shown.casefold() == "general":
            return text_of(value)
        places = _PLACES.fullmatch(self._digits_shown)
        if places is None:
            return None
        decimals = places["decimals"] or ""
        thousands = len(places["scale"]) + len(places["more"] or "")
        rounded = _rounded_to(Decimal(repr(value)).scaleb(-3 * thousands), len(decimals))
        whole, _, fraction = f"{rounded:f}".partition(".")
        whole = whole.zfill(places["whole"].count("0")) if whole != "0" or "0" in places["whole"] else ""
        least = len(decimals.rstrip("#?"))
        fraction = fraction[:least] + fraction[least:].rstrip("0")
        return f"{whole}.{fraction}" if places["point"] else whole

    @property
    def _before(self) -> str:
        """The signs before the digits, or all of them if no digits are shown."""
        return "".join(filter(None, self._pieces[: self._pieces.index(None)] if None in self._pieces else self._pieces))

    @property
    def _after(self) -> str:
        return "".join(filter(None, self._pieces[self._pieces.index(None) :])) if None in self._pieces else ""

    @property
    def _between(self) -> str:
        if None not in self._pieces:
            return ""
        last = len(self._pieces) - self._pieces[::-1].index(None)
        return "".join(filter(None, self._pieces[self._pieces.index(None) : last]))

    def _digits(self, value: int) -> str:
        digits = list(str(value).zfill(self._zeros)) if value or self._zeros else []
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
            self.condition = (condition[1], float(condition[2]))
        elif text.startswith("$"):
            self._pieces.append(text[1:].partition("-")[0])

    def _hides_zero(self) -> bool:
        """Whether a zero is shown without any digit, as by `#`, and at most with a currency; a fraction shows it."""
        signs = "".join(filter(None, self._pieces)).strip()
        is_optional = self._digits_shown != "" and not self._digits_shown.strip("#?,.")
        return is_optional and (not signs or signs.casefold().strip(". ") in CURRENCIES)

    def _pads(self) -> bool:
        if None not in self._pieces or is_currency(self._before):
            return False
        return self._zeros > 1 or self._before.strip().startswith("+") or any(sign in self._between for sign in "-/")


def _meets(value: float, condition: tuple[str, float]) -> bool:
    return _TESTS[condition[0]](value, condition[1])


def _rounded_to(number: Decimal, decimals: int) -> Decimal:
    """A number as a spreadsheet rounds it: half away from zero."""
    return number.quantize(Decimal(1).scaleb(-decimals), context=_ROUNDING)


def is_currency(text: str) -> bool:
    """Whether the signs before or after a number only name a currency."""
    return text.casefold().strip(" .,-()\u00a0") in CURRENCIES


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

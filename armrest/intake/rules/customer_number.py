"""Recognize cells that are not customer numbers, in files and in single updates; all rules of the key are here.

Amili documents no format, so this rejects only what is certainly something else. Each kind has a rule whose severity
the settings may lower.
"""

import re
from datetime import date
from functools import lru_cache, partial
from typing import Final

from armrest.intake.formats import bare, guess
from armrest.intake.rules.validators import has_blank, is_birth_number, is_scientific

CUSTOMER_NO_FAST_PATH: Final = (
    r"[0-9]{1,50}|[A-Za-zÆØÅæøå]{1,20}+[-.]?[0-9]{3,10}|[A-Za-z]{1,2}-?[0-9]{1,2}"  # no word ends in three digits
)
_WORDS: Final = frozenset(
    (
        "sum", "summa", "summe", "total", "totalt", "totals", "totalsum", "totalsumma", "subtotal", "grandtotal",
        "delsum", "gesamt", "yhteensä", "slutt", "slut", "end", "antall", "antal", "count", "snitt", "gjennomsnitt",
        "average", "min", "max", "true", "false", "sann", "usann", "ja", "nei", "yes", "nan", "none", "null", "nil",
        "na",
    )
)  # fmt: skip
"""Totals, ends of lists, truth values, and what programs write for no value."""
_STARTS: Final = re.compile(r"[^\W_]")
_FOREIGN_SIGN: Final = re.compile(r"""["'`´‘’“”=;,|@<>{}\[\]\\%?\ufffd]|[-.:_/+]\Z""")
_YEAR_FIRST: Final = re.compile(r"(?P<y>\d{4})([-./])(?P<a>\d{1,2})\2(?P<b>\d{1,2})(?:[T ][\d:.+-]+Z?)?", re.ASCII)
_YEAR_LAST: Final = re.compile(r"(?P<a>\d{1,2})([-./])(?P<b>\d{1,2})\2(?P<y>\d{4})(?: [\d:.]+)?", re.ASCII)
_YEARS: Final = frozenset((*range(1800, 2200), 9999))
_TIME: Final = re.compile(r"\d{1,2}:\d{2}:\d{2}(?:\.\d+)?", re.ASCII)
_SHORT_DATE: Final = re.compile(r"(?P<a>\d{1,2})([./])(?P<b>\d{1,2})\2\d{2}", re.ASCII)
_CLOCK: Final = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d", re.ASCII)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "mai", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "des", "dec")
NAMED_MONTHS: Final = frozenset(
    (
        *(f"{day}{sign}{month}" for month in _MONTHS for sign in ".-" for n in range(1, 32) for day in (n, f"{n:02}")),
        *(f"{month}.{year:02}" for month in _MONTHS for year in range(100)),
    )
)
"""What Excel makes of `10-3` or `3-26` in Norwegian, Swedish and Danish."""
_TYPE: Final = re.compile(
    r"(?:n?(?:var)?char|te[kx]st|string|number|int|numeric|decimal)\(\d+(?:,\d+)?\)", re.IGNORECASE
)
"""The second row of a template for imports, which says what a column may hold."""
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+[.,]\d*|[.,]\d+)")
THOUSANDS: Final = r"[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+|(?:,[0-9]{3})+)"
"""A number in groups of three digits. What it means depends on its column: `KeyShapes` judges it."""
_is_thousands: Final = re.compile(THOUSANDS).fullmatch
_LABELLED: Final = re.compile(r"(\w+)[:=].*", re.DOTALL)
_DIGIT: Final = re.compile(r"\d")


@lru_cache(maxsize=20_000)
def customer_number_fault(cell: str) -> str:
    """The code of the rule that a customer number breaks, at most one; `""` if it breaks none of these."""
    if not cell or has_blank(cell) or is_scientific(cell) or is_birth_number(cell):  # these have their own rules
        return ""
    if _is_thousands(cell):
        return ""
    if _DECIMAL.fullmatch(cell):
        return "decimal-number"
    if _is_something_else(cell):
        return "not-a-customer-number"
    return "" if _DIGIT.search(cell) else "no-digit"


CUSTOMER_NO_PREDICATES: Final = {
    code: partial(lambda code, cell: customer_number_fault(cell) == code, code)
    for code in ("not-a-customer-number", "decimal-number", "no-digit")
}
"""The predicate of each of these rules."""


def _is_something_else(cell: str) -> bool:
    """Whether a cell is a formula, a row of signs, a list, an address, a date, a time, a header, or a footer word."""
    return (
        not _STARTS.match(cell)
        or _FOREIGN_SIGN.search(cell) is not None
        or _has_other_digits(cell)
        or _TIME.fullmatch(cell) is not None
        or _is_date(cell)
        or _TYPE.fullmatch(cell) is not None
        or guess(cell) is not None
        or bare(cell) in _WORDS
        or ((label := _LABELLED.fullmatch(cell)) is not None and bare(label[1]) in _WORDS)
    )


def _has_other_digits(cell: str) -> bool:
    """Whether a cell has digits that look like 0 to 9 and are others: of full width, raised, or of another script."""
    return not cell.isascii() and any(sign.isdigit() and not sign.isascii() for sign in cell)


def is_date_or_time(cell: str) -> bool:
    """Whether a cell is a date in any form, with a time or without, or a time."""
    return _is_date(cell) or _TIME.fullmatch(cell) is not None or _CLOCK.fullmatch(cell) is not None


def _is_date(cell: str) -> bool:
    if cell in NAMED_MONTHS:
        return True
    if short := _SHORT_DATE.fullmatch(cell):
        return _exists(2000, short["a"], short["b"]) or _exists(2000, short["b"], short["a"])
    parts = _YEAR_FIRST.fullmatch(cell) or _YEAR_LAST.fullmatch(cell)
    if parts is None or int(parts["y"]) not in _YEARS:
        return False
    return any(_exists(int(parts["y"]), *order) for order in ((parts["a"], parts["b"]), (parts["b"], parts["a"])))


def _exists(year: int, month: str, day: str) -> bool:
    try:
        date(year, int(month), int(day))
    except ValueError:
        return False
    return True

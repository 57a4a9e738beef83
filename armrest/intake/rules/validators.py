"""Validators of single cells, most of them standard libraries, and fast paths: patterns of cells that need none.

Libraries are imported on first use: most small files never need one.
"""

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from math import nan
from typing import Final

from armrest.model import LIST_FIELDS

NOT_SHOWN: Final = "(like a birth number)"
DOMESTIC: Final = frozenset({"", "NO", "no"})
"""Without another country in the row, numbers are read as Norwegian."""

EMAIL_FAST_PATH: Final = (
    r"[A-Za-z0-9ÆØÅÄÖÉæøåäöé]{1,20}+(?:[._+-][A-Za-z0-9ÆØÅÄÖÉæøåäöé]{1,20}+){0,2}+"
    r"@[A-Za-z0-9æøåäöé]{1,20}+(?:[.-][A-Za-z0-9æøåäöé]{3,20}+)?+\.(?:no|com|net|org|se|dk|fi|de|eu|io|name)"
)
EMAIL_LIST_FAST_PATH: Final = f"{EMAIL_FAST_PATH}(?:; ?{EMAIL_FAST_PATH}){{0,4}}+"
"""A cell with several ordinary addresses needs no library either."""
DATE_FAST_PATH: Final = "19[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
POSTAL_CODE_FAST_PATH: Final = "[0-9]{4}"
SEEN_DISTRIBUTION_TYPES: Final = frozenset("MHmh")
SEEN_EINVOICE_CODES: Final = frozenset({"0", "90"})
COMMON_COUNTRIES: Final = (
    "NO",
    "SE",
    "DK",
    "FI",
    "IS",
    "DE",
    "GB",
    "NL",
    "PL",
    "LT",
    "LV",
    "EE",
    "FR",
    "ES",
    "IT",
    "US",
)
GARBLED_SIGNS: Final = ("Ã", "Â", "â", "\ufffd")

POSTAL_CODES: Final = {
    "NO": r"\d{4}",
    "SE": r"\d{3} ?\d{2}",
    "DK": r"\d{4}",
    "FI": r"\d{5}",
    "IS": r"\d{3}",
    "FO": r"\d{3}",
    "GL": r"\d{4}",
    "DE": r"\d{5}",
    "AT": r"\d{4}",
    "BE": r"\d{4}",
    "CH": r"\d{4}",
    "NL": r"\d{4} ?[A-Z]{2}",
    "PL": r"\d{2}-\d{3}",
    "FR": r"\d{5}",
    "ES": r"\d{5}",
    "IT": r"\d{5}",
    "PT": r"\d{4}-\d{3}",
    "US": r"\d{5}(?:-\d{4})?",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
}
"""The formats by country, without a country's prefix (`N-0155`); other countries are not checked."""

_GARBLED_PAIR: Final = re.compile(f"[\u00c2\u00c3][{re.escape(bytes(range(0x80, 0xC0)).decode('cp1252', 'ignore'))}]")
"""A letter of two bytes in UTF-8 that was read as Windows-1252; only this part of the cell may be garbled."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LOOK_ALIKE: Final = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
)
_HIGH_HALF, _LOW_HALF = r"\\u[dD][89aAbB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF_CHARACTER: Final = re.compile(rf"[\ud800-\udfff]|{_HIGH_HALF}(?!{_LOW_HALF})|(?<!{_HIGH_HALF}){_LOW_HALF}")
_ERROR_CELL: Final = re.compile(
    r"#(?:[^\W\d]+(?:/[^\W_]+)?[!?]|N/A[!]?|I/T|NV|GETTING_DATA|HENTER_DATA|[^\W\d]+_DATA|#+)|Err:[0-9]{3}"
)
_FORMULA_TEXT: Final = re.compile("=|'(?![nst][ -])")
"""Not `'t Hooft` or `'s-Gravenhage`, which are Dutch."""
_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(?:[.,]\d+[eE][+-]?|[eE][+-])\d+")
_PLACEHOLDERS: Final = (
    "null", "(null)", "<null>", "[null]", "nan", "none", "nil", "nat", "<na>", "n/a", "na", "undefined", "ukjent",
    "unknown", "mangler", "missing", "ikke oppgitt", "xxx", "(tom)", "(tomt)", "(blank)", "(blanks)", "(empty)",
    "(none)", "(ingen)", "ingen", "n.a.", "tbd", "ikke kjent", "ikke registrert", "ikke angitt",
)  # fmt: skip
_NOBODYS_ADDRESSES: Final = (
    "ingen", "mangler", "ukjent", "ikke", "epost", "mail", "email", "test", "dummy", "x", "xx", "xxx", "a", "na",
    "none", "null", "unknown", "noemail", "nomail",
)  # fmt: skip
_NOBODYS_NUMBERS: Final = (
    "00000000", "99999999", *(f"{first}000000" for first in (*range(40, 50), *range(90, 100))),
)  # fmt: skip
"""Those of mobile telephones: 22000000 may be a switchboard."""


def _forms(*words: str) -> frozenset[str]:
    """Words as people write them."""
    return frozenset(form for word in words for form in (word, word.upper(), word.capitalize(), word.title()))


PLACEHOLDERS: Final = frozenset(
    (
        *_forms(*_PLACEHOLDERS),
        *("NaN", "NaT", "n/A", "N/a"),
        *("-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "?", "??", "*", "**", "/", "_", "#"),
        *("\\N", "-NULL-", "Loading...", "Laster inn ...", "Laster inn...", "System.Object", "System.Byte[]"),
        *("[object Object]", "[Table]", "[Record]", "[List]", "[Error]", "[Binary]", "System.__ComObject"),
    )
)
"""What programs and people write where there is no value. `NA` is also the country Namibia."""
_PLACEHOLDERS_OF: Final = {
    "name": frozenset(
        ("N.N.", "N.N", "NN", "n.n.", *_forms("ukjent kunde", "ukjent navn", "navn", "kundenavn", "navn mangler", "x"))
    ),
    **dict.fromkeys(
        ("addressLine1", "addressLine2", "addressLine3"),
        _forms("ukjent adresse", "adresse ukjent", "ingen adresse", "mangler adresse", "adresse mangler", "adresse",
               "hemmelig adresse", "sperret adresse", "utflyttet", "samme adresse", "x"),
    ),
    **dict.fromkeys(
        LIST_FIELDS,
        _forms("ikke@oppgitt.no", *(f"{it}@{it}.{top}" for it in _NOBODYS_ADDRESSES for top in ("no", "com")))
        | {f"{it}@{it}.{top}" for it in map(str.capitalize, _NOBODYS_ADDRESSES) for top in ("no", "com")},
    ),
    "organizationNo": frozenset(9 * digit for digit in "0123456789"),
    "phoneNo": frozenset(
        f"{prefix}{spelling}"
        for prefix in ("", "+47", "+47 ", "47", "47 ", "0047", "0047 ", "(+47)", "(+47) ")
        for number in _NOBODYS_NUMBERS
        for spelling in (number, " ".join((number[:3], number[3:5], number[5:])),
                         " ".join((number[:2], number[2:4], number[4:6], number[6:])))
    ),
    "postalCode": frozenset(("0000", "9999")),
    "dateOfBirth": frozenset({"1900-01-01", "1904-01-01"}),
}  # fmt: skip
"""Words, numbers and dates that are valid in their form, and that nobody has; thousands are born on 1970-01-01."""
_BIRTH_SEPARATORS: Final = "[-:. \t\u00a0]"
_BIRTH_SHAPE: Final = re.compile(rf"(?<![0-9+])(?:[0-9]{_BIRTH_SEPARATORS}?){{10}}[0-9](?![0-9])")
_ODD_ADDRESS: Final = re.compile(r"\A\W|\.(?:\w|con)\Z", re.IGNORECASE)
"""Valid for email-validator, but an address begins with a sign only by mistake, and no domain ends so."""
_EMAIL: Final = re.compile(r"[^@\s;]+@[^@\s;]+")
_is_on_email_fast_path: Final = re.compile(EMAIL_FAST_PATH).fullmatch
_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")


def placeholders_of(field: str) -> frozenset[str]:
    """The words, numbers and dates that stand for no value in a field."""
    words = PLACEHOLDERS - {"NA"} if field == "countryCode" else PLACEHOLDERS
    return words | _PLACEHOLDERS_OF.get(field, frozenset())


def has_control(cell: str) -> bool:
    """Whether a cell has control characters, not counting line feeds, carriage returns and tabs."""
    return _CONTROL.search(cell) is not None


def is_unreadable(cell: str) -> bool:
    """Whether a cell has half a character, or its escape in a rejects file; no encoding can write it."""
    return _HALF_CHARACTER.search(cell) is not None


def is_error_cell(cell: str) -> bool:
    """Whether a cell is a spreadsheet's error text, in any language, or the marks of a cell that is too narrow."""
    return _ERROR_CELL.fullmatch(cell) is not None


def is_formula_text(cell: str) -> bool:
    """Whether a cell begins with a sign that a spreadsheet takes away."""
    return _FORMULA_TEXT.match(cell) is not None


def has_look_alike(cell: str) -> bool:
    """Whether a cell has a blank other than the plain one, or a character without width."""
    return _LOOK_ALIKE.search(cell) is not None


def has_blank(cell: str) -> bool:
    """Whether a cell has any blank, visible or not."""
    return re.search(r"\s", cell) is not None or has_look_alike(cell)


def is_garbled(cell: str) -> bool:
    """Whether a cell is UTF-8 that was read as Windows-1252, or has a replacement character."""
    if "\ufffd" in cell or _GARBLED_PAIR.search(cell):
        return True
    try:
        return any(sign in cell for sign in GARBLED_SIGNS) and cell.encode("cp1252").decode("utf-8") != cell
    except UnicodeError:
        return False


def is_scientific(cell: str) -> bool:
    """Whether a cell is a long number as spreadsheets write it: `4.7E+10`."""
    return _SCIENTIFIC.fullmatch(split_country(cell)[1]) is not None


def has_letters(cell: str) -> bool:
    """Whether a cell has letters, other than in scientific notation."""
    return any(map(str.isalpha, split_country(cell)[1])) and not is_scientific(cell)


@lru_cache(maxsize=50_000)
def is_date(cell: str) -> bool:
    """Whether a cell is an existing day written as YYYY-MM-DD."""
    try:
        return date.fromisoformat(cell).isoformat() == cell
    except ValueError:
        return False


def is_outside(cell: str, *, first: str, last: str) -> bool:
    """Whether a cell is a date before the first or after the last one."""
    return not first <= cell <= last and is_date(cell)


def is_whole_number(cell: str) -> bool:
    """Whether a cell is up to nine digits with an optional minus."""
    return _WHOLE_NUMBER.fullmatch(cell) is not None


def is_email(cell: str) -> bool:
    """Whether a cell has exactly one @, something on both sides, and no blanks."""
    return _EMAIL.fullmatch(cell) is not None


@lru_cache(maxsize=10_000)
def is_doubtful_email(cell: str) -> bool:
    """Whether email-validator refuses a cell, without looking up the domain."""
    from email_validator import EmailNotValidError, validate_email

    if _is_on_email_fast_path(cell) or not is_email(cell):
        return False
    if _ODD_ADDRESS.search(cell):
        return True
    try:
        validate_email(cell, check_deliverability=False)
    except EmailNotValidError:
        return True
    return False


def has_valid_checksum(cell: str) -> bool:
    """Whether a cell is nine digits with the right check digit, as in python-stdnum; also true for `""`."""
    if not cell:
        return True
    weighted_sum = _HEAD.get(cell[:3], nan) + _BODY.get(cell[3:6], nan) + _TAIL.get(cell[6:], nan)
    return weighted_sum % 11 == 0


def _weighted(*weights: int) -> dict[str, int]:
    a, b, c = weights
    return {f"{n:03}": a * (n // 100) + b * (n // 10 % 10) + c * (n % 10) for n in range(1000)}


_HEAD, _BODY, _TAIL = _weighted(3, 2, 7), _weighted(6, 5, 4), _weighted(3, 2, 1)


def is_doubtful_organisation_number(cell: str) -> bool:
    """Whether python-stdnum refuses a Norwegian organization number; foreign ones are not checked."""
    from stdnum.no import orgnr

    country, number = split_country(cell)
    # the library ignores blanks, but ARM receives them
    return country == "NO" and not (orgnr.is_valid(number) and number.isdecimal()) and not is_birth_number(number)


def shown_number(number: str) -> str:
    """Return a customer number as messages and artifacts show it; one that is or has a birth number is not shown."""
    return NOT_SHOWN if contains_birth_number(number) else number


def is_birth_number(cell: str) -> bool:
    """Whether a cell is a Norwegian birth number or D number, or one of test data, with valid day and check digits."""
    if sum(map(str.isdigit, cell)) != _BIRTH_NUMBER_LENGTH:
        return False
    number = re.sub(_BIRTH_SEPARATORS, "", split_country(cell)[1])
    if number[:4] not in _BIRTHDAYS or re.fullmatch("[0-9]{11}", number) is None:
        return False
    from stdnum.no import fodselsnummer

    digits = fodselsnummer.calc_check_digit1(number), fodselsnummer.calc_check_digit2(number)
    return (number[-2], number[-1]) == digits


def contains_birth_number(cell: str) -> bool:
    """Whether a cell is a birth number, or has one between other texts."""
    return is_birth_number(cell) or any(map(is_birth_number, _BIRTH_SHAPE.findall(cell)))


def possible_birth_numbers(cells: Iterable[str]) -> list[str]:
    """The cells that may be one: eleven digits that begin with a day, or longer ones with separators."""
    return [
        cell
        for cell in cells
        if (length := len(cell)) >= _BIRTH_NUMBER_LENGTH
        and (cell[:4] in _BIRTHDAYS if length == _BIRTH_NUMBER_LENGTH else cell[0].isdecimal() and not cell.isdecimal())
    ]


_BIRTH_NUMBER_LENGTH: Final = 11
_BIRTHDAYS: Final = frozenset(
    f"{day + more_days:02}{month + more_months:02}"
    for month in range(1, 13)
    for day in range(1, monthrange(2000, month)[1] + 1)
    for more_days in (0, 40)  # D numbers
    for more_months in (0, 40, 65, 80)  # test data of NAV (40, 65) and of the tax administration (80)
)
"""How birth numbers begin; the year does not matter, because the century is not in it."""


def is_country_code(cell: str) -> bool:
    """Whether a cell is two letters."""
    return len(cell) == 2 and cell.isascii() and cell.isalpha()  # noqa: PLR2004


@lru_cache(maxsize=1000)
def is_unknown_country(cell: str) -> bool:
    """Whether a cell is two letters that pycountry does not know, or small letters."""
    import pycountry

    return is_country_code(cell) and (cell != cell.upper() or pycountry.countries.get(alpha_2=cell) is None)


@lru_cache(maxsize=10_000)
def is_doubtful_postal_code(cell: str) -> bool:
    """Whether a postal code breaks the format of the cell's country; without a known format, it does not."""
    country, code = split_country(cell)
    return country in POSTAL_CODES and re.fullmatch(POSTAL_CODES[country], code, re.ASCII) is None


def split_country(cell: str) -> tuple[str, str]:
    """Return the country that `with_countries` has put before a cell, and the cell; Norway if there is none."""
    country, mark, rest = cell.rpartition("|")
    return (country, rest) if mark and len(country) == 2 else ("NO", cell)  # noqa: PLR2004

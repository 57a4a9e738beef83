"""Declared rewriting: the steps that a mapping may name under `as`. A step never guesses.

A cell that a step cannot read stays as it is, and the rules judge it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from armrest.intake.mapping.countries import country_code
from armrest.intake.mapping.dates import date_format, year_first
from armrest.intake.rules import is_date_or_time

Step = Callable[[str, str], str]
"""Rewrites a cell that is not empty; the second argument is the row's country, `""` if it is not known."""

_WHOLE: Final = re.compile(r"([0-9]+)[.,]0{0,2}")
"""Not `10.000`, which may be ten thousand."""
_BETWEEN_DIGITS: Final = re.compile(r"[\s#*'()-]+")
_IN_GROUPS: Final = re.compile(r"[0-9]+(?:\.[0-9]{2,})*\.[0-9]{3,}")
"""Not `155.0`, which is a fraction."""
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:([.,' \u00a0\u2019])[0-9]{3})(?:\1[0-9]{3})*")
_NORWEGIAN_DATE: Final = date_format("D.M.YYYY")


def _digits(cell: str, _: str) -> str:
    """The digits of one whole number, also of one with a country's prefix (`N-0155`, `NO 974 760 673 MVA`)."""
    if is_date_or_time(cell):  # `29.11.2026` would become 29112026
        return cell
    bare = re.sub(r"\A(?:NO|N)[\s-]*(?=\d)|(?<=\d)\s*MVA\Z", "", cell, flags=re.IGNORECASE)
    number = _BETWEEN_DIGITS.sub("", bare).removeprefix("+")
    is_one = (number.isdecimal() and number.isascii()) or _IN_GROUPS.fullmatch(number)
    return number.replace(".", "") if is_one and not bare.lstrip().startswith("-") else cell


def _whole(cell: str, _: str) -> str:
    number = _WHOLE.fullmatch(cell)
    return number[1] if number else cell


def _ungrouped(cell: str, _: str) -> str:
    return "".join(filter(str.isdecimal, cell)) if _GROUPED.fullmatch(cell) else cell


def _iso_country(cell: str, _: str) -> str:
    return country_code(cell) or cell


def _iso_date(cell: str, _: str) -> str:
    iso = year_first(cell)
    return iso if iso != cell else _NORWEGIAN_DATE(cell)


@lru_cache(maxsize=50_000)
def _e164(cell: str, country: str) -> str:
    return _phone(cell, country, national=False)


@lru_cache(maxsize=50_000)
def _national(cell: str, country: str) -> str:
    return _phone(cell, country, national=True)


def _phone(cell: str, country: str, *, national: bool) -> str:
    """The number in one form; the cell itself if it holds anything else, or no valid number of the row's country."""
    import phonenumbers

    region = country.upper() or "NO"
    if (
        re.fullmatch(r"\+?[0-9 ()/.\u00a0-]+", cell) is None
        or is_date_or_time(cell)
        or region not in phonenumbers.SUPPORTED_REGIONS
    ):
        return cell
    try:
        number = phonenumbers.parse(cell, region)
    except phonenumbers.NumberParseException:
        return cell
    significant = phonenumbers.national_significant_number(number)
    digits = "".join(filter(str.isdecimal, cell))
    code = str(number.country_code)
    is_whole = digits in {significant, code + significant, f"00{code}{significant}", f"0{significant}"}
    if not phonenumbers.is_valid_number(number) or not is_whole:
        return cell
    if not national:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return significant if phonenumbers.country_code_for_region(region) == number.country_code else cell


def _split(separators: str) -> Step:
    between = re.compile("|".join(map(re.escape, separators)))

    def step(cell: str, _: str) -> str:
        return ";".join(filter(None, map(str.strip, between.split(cell))))

    return step


def _pad(length: int) -> Step:
    return lambda cell, _: cell.zfill(length) if cell.isdecimal() else cell


_PLAIN: Final[dict[str, Step]] = {
    "digits": _digits,
    "e164": _e164,
    "national": _national,
    "upper": lambda cell, _: cell.upper(),
    "lower": lambda cell, _: cell.lower(),
    "one-blank": lambda cell, _: " ".join(cell.split()),
    "no-blanks": lambda cell, _: "".join(cell.split()),
    "whole-number": _whole,
    "no-thousands": _ungrouped,
    "iso-country": _iso_country,
    "iso-date": _iso_date,
}
BY_COUNTRY: Final = frozenset({"e164", "national"})
"""The steps that need the row's country."""
STEPS: Final = (*_PLAIN, "split(,)", "pad(4)")
"""Every step, to be named in messages; `split` takes any signs, and `pad` any length."""
_ONLY_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "e164": ("phoneNo",),
    "national": ("phoneNo",),
    "iso-country": ("countryCode",),
    "iso-date": ("dateOfBirth",),
    "split": ("emailAddressDocument", "secondaryEmailAddress"),
}


@dataclass(frozen=True, slots=True)
class NamedStep:
    """One step of a column's rewriting, by the name in the mapping."""

    name: str
    step: Step


def step_of(name: str) -> NamedStep:
    """Return a step by its name in a mapping.

    Raises:
        ValueError: There is no such step.
    """
    if name in _PLAIN:
        return NamedStep(name, _PLAIN[name])
    if split := re.fullmatch(r"split\((.{1,5})\)", name):
        return NamedStep(name, _split(split[1]))
    if pad := re.fullmatch(r"pad\(([1-9][0-9]?)\)", name):
        return NamedStep(name, _pad(int(pad[1])))
    raise ValueError(f'unknown step "{name}"; write one of {", ".join(STEPS)}')


def misplaced(name: str, field: str) -> bool:
    """Whether a step is for other fields than this one."""
    return field not in _ONLY_FOR.get(name.partition("(")[0], (field,))


def rewrite_cells(cells: Sequence[str], step: Step, countries: Sequence[str] | None) -> list[str]:
    """The cells after one step; equal cells are rewritten once."""
    if countries is None:
        values = {cell: step(cell, "") for cell in set(cells) if cell}
        return [values.get(cell, cell) for cell in cells]
    pairs = list(zip(cells, countries, strict=True))
    by_pair = {pair: step(*pair) for pair in set(pairs) if pair[0]}
    return [by_pair.get(pair, pair[0]) for pair in pairs]


def proposed_steps(field: str, cells: Sequence[str]) -> list[str]:
    """The steps that the cells of a field need, as far as that is certain; a person checks them."""
    return [step for step, needs in _PROPOSALS.get(field, ()) if any(map(needs, cells))]


def have_lost_zeros(cells: Sequence[str], countries: Sequence[str]) -> bool:
    """Whether these are Norwegian postal codes that were stored as numbers: mostly four digits, some less, no zero.

    The step applies to all rows, so a short code of another country forbids it. A row without a country may have such
    a code, so one short code, or a few among many, prove nothing.

    Args:
        cells: Postal codes, also as whole numbers with decimals (`155.0`).
        countries: The code of each one's country; `""` where the source does not say it.
    """
    codes = [(_whole(cell, ""), country) for cell, country in zip(cells, countries, strict=True)]
    codes = [(code, country) for code, country in codes if code.isdecimal()]
    short = [(code, country) for code, country in codes if len(code) < _DIGITS_OF_CODES]
    if {country for _, country in short} - {"", "NO"}:
        return False
    domestic = [code for code, country in codes if country in {"", "NO"}]
    usual = sum(len(code) == _DIGITS_OF_CODES for code in domestic)
    if 2 * usual < len(domestic) or any(code.startswith("0") for code in domestic):
        return False
    is_certain = any(country == "NO" for _, country in short)
    return is_certain or (len(set(short)) >= _FEWEST_SHORT and len(short) >= _SHARE_SHORT * len(domestic))


PAD_POSTAL_CODES: Final = "pad(4)"
_DIGITS_OF_CODES: Final = 4
_FEWEST_SHORT: Final = 2
_SHARE_SHORT: Final = 0.05
"""One in eight people in Norway has a postal code that begins with zero: all of them live in Oslo."""
_GROUPS: Final = r"[0-9]{3}[ .\u00a0]?[0-9]{3}[ .\u00a0]?[0-9]{3}"
_LIKE_ORGANIZATION_NO: Final = re.compile(rf"(?:NO ?)?{_GROUPS} ?(?:MVA)?(?<![0-9]{{9}})", re.IGNORECASE).fullmatch
_PROPOSALS: Final[Mapping[str, Sequence[tuple[str, Callable[[str], Any]]]]] = {
    "customerNo": (
        ("whole-number", re.compile(r"[0-9]+[.,]0{1,2}").fullmatch),
        ("no-thousands", re.compile(r"[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+|(?:,[0-9]{3})+)").fullmatch),
    ),
    "postalCode": (
        ("whole-number", re.compile(r"[0-9]+[.,]0+").fullmatch),
        ("digits", re.compile(r"(?:NO|N)[- ]?[0-9]{4}", re.IGNORECASE).fullmatch),
    ),
    "organizationNo": (("digits", _LIKE_ORGANIZATION_NO),),
    "countryCode": (("upper", re.compile(r"[a-z]{2}|[A-Z][a-z]").fullmatch),),
    **dict.fromkeys(
        ("emailAddressDocument", "secondaryEmailAddress"),
        (("split(,)", re.compile(r"[^@\s,;]+@[^@\s,;]+(?:\s*,\s*[^@\s,;]+@[^@\s,;]+)+").fullmatch),),
    ),
}

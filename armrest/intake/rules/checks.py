"""Check rules column by column: ordinary cells pass at once, and only suspect cells are validated.

A rule never raises and never changes a cell; it names the cells that break it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import filterfalse
from typing import Final

from armrest.intake.rules import validators
from armrest.intake.rules.column import Column, items
from armrest.intake.rules.customer_number import CUSTOMER_NO_JUDGES, ORDINARY_CUSTOMER_NO
from armrest.intake.rules.reject_codes import Severity
from armrest.intake.rules.validators import DOMESTIC
from armrest.model import FIELD_PATHS, LIST_FIELDS, NUMBER_COLUMNS

MAX_CUSTOMER_NO_LENGTH: Final = 50
MAX_LENGTH: Final = 255
"""Both lengths are assumed; Amili documents none."""
OLDEST_BIRTH: Final = "1900-01-01"

Judge = Callable[[str], bool]
"""Whether a cell, which is never empty, breaks a rule."""


@dataclass(frozen=True, slots=True)
class Check:
    """Rules that share a fast path for ordinary cells.

    Attributes:
        strange: Returns the cells of a column that may break a rule; all other cells break none.
        judges: The predicate of each rule, by code.
        by_country: Whether the cell is checked with its row's country, `SE|46 12`, unless that is Norway or missing.
    """

    strange: Callable[[Column], Iterable[str]]
    judges: Mapping[str, Judge]
    by_country: bool = False

    def breaches(self, column: Column) -> Iterator[tuple[int, str]]:
        """Yield the position of each cell that breaks a rule, and the code of the rule."""
        suspects = set(self.strange(column))
        suspects.discard("")
        for code, judge in self.judges.items() if suspects else ():
            broken = {cell for cell in suspects if judge(cell)}
            if broken:
                yield from ((at, code) for at, cell in enumerate(column.cells) if cell in broken)


def checks_of(
    field: str, *, today: date, severities: Mapping[str, Severity], lookup: Collection[str] | None = None
) -> list[Check]:
    """The checks of a field's column, without the rules that are off.

    Args:
        lookup: The values that a mapping's lookup returns.
    """
    found = [*EVERYWHERE, *OWN_CHECKS.get(field, ())]
    if field == "dateOfBirth":
        found.append(_dates(today))
    if lookup is not None:
        found.append(Check(_not_among(lookup), {"not-in-lookup": lambda cell: cell not in lookup}))
    on = [
        Check(
            check.strange,
            {code: judge for code, judge in check.judges.items() if severities[code] != "off"},
            by_country=check.by_country,
        )
        for check in found
    ]
    return [check for check in on if check.judges]


def with_countries(column: Column, countries: Column) -> Column:
    """The column with the row's country before each cell, unless that is Norway or missing."""
    if DOMESTIC.issuperset(countries.cells):
        return column
    pairs = zip(column.cells, countries.cells, strict=True)
    return Column(
        [f"{country.upper()}|{cell}" if cell and country not in DOMESTIC else cell for cell, country in pairs]
    )


def not_like(pattern: str) -> Callable[[Column], Iterable[str]]:
    """Return a function that finds filled cells that do not match the pattern, which must not contain a line feed."""
    ordinary_cell = re.compile(rf"(?:{pattern})?").fullmatch
    ordinary_lines = re.compile(rf"(?:(?:{pattern})?\n)*+").match

    def strange(column: Column) -> Iterator[str]:
        if not column.one_line_each:
            yield from filterfalse(ordinary_cell, column.cells)
            return
        text, at = column.text + "\n", 0
        while found := ordinary_lines(text, at):
            at = found.end()
            if at == len(text):
                return
            end = text.index("\n", at)
            yield text[at:end]
            at = end + 1

    return strange


def _not_among(ordinary: Collection[str]) -> Callable[[Column], Iterable[str]]:
    return lambda column: set(column.cells).difference(ordinary)


def _unprintable(column: Column) -> Iterable[str]:
    return () if column.printable else filterfalse(str.isprintable, column.cells)


def _holding(*signs: str) -> Callable[[Column], Iterable[str]]:
    return lambda column: column.cells if any(sign in column.text for sign in signs) else ()


def _beginning_with(*signs: str) -> Callable[[Column], Iterable[str]]:
    def strange(column: Column) -> Iterable[str]:
        text = column.text
        there = [sign for sign in signs if sign[0] in text and (text.startswith(sign) or f"\n{sign}" in text)]
        return (cell for cell in column.cells if cell.startswith(tuple(there))) if there else ()

    return strange


def _unreadable(column: Column) -> Iterable[str]:
    yield from _unprintable(column)
    if "\\" in column.text:
        yield from (cell for cell in column.cells if "\\" in cell)


def _longer_than(length: int) -> Callable[[Column], Iterable[str]]:
    return lambda column: column.cells if max(map(len, column.cells), default=0) > length else ()


def _any_item(judge: Judge) -> Judge:
    return lambda cell: any(map(judge, items(cell)))


def _too_long(length: int, code: str) -> Check:
    return Check(_longer_than(length), {code: lambda cell: len(cell) > length})


def _seen(codes: Collection[str]) -> Check:
    return Check(_not_among(codes), {"unseen-code": lambda cell: cell not in codes})


def _dates(today: date) -> Check:
    outside = partial(validators.is_outside, first=OLDEST_BIRTH, last=today.isoformat())
    return Check(
        not_like(validators.ORDINARY_DATE), {"not-a-date": validators.is_no_date, "date-out-of-range": outside}
    )


_WHOLE_NUMBER: Final = {"not-a-whole-number": validators.is_no_whole_number}

EVERYWHERE: Final = (
    Check(_unprintable, {"control-character": validators.has_control, "look-alike-blank": validators.has_look_alike}),
    Check(_unreadable, {"unreadable-text": validators.is_unreadable}),
    Check(_holding(*validators.GARBLED_SIGNS), {"mojibake": validators.is_garbled}),
    Check(_beginning_with("#", "Err:"), {"error-cell": validators.is_error_cell}),
)
OWN_CHECKS: Final[dict[str, tuple[Check, ...]]] = {
    **dict.fromkeys(FIELD_PATHS, (_too_long(MAX_LENGTH, "long"),)),
    **dict.fromkeys(NUMBER_COLUMNS, (Check(lambda column: column.cells, _WHOLE_NUMBER),)),
    **dict.fromkeys(
        LIST_FIELDS,
        (
            Check(
                not_like(validators.ORDINARY_EMAIL),
                {
                    "not-an-email": _any_item(validators.is_no_email),
                    "doubtful-email": _any_item(validators.is_doubtful_email),
                },
            ),
        ),
    ),
    "customerNo": (
        Check(
            not_like(ORDINARY_CUSTOMER_NO),
            {
                "blank-inside": validators.has_blank,
                "scientific-notation": validators.is_scientific,
                **CUSTOMER_NO_JUDGES,
            },
        ),
        Check(
            lambda column: validators.perhaps_birth_numbers(column.cells),
            {"birth-number-as-customer-number": validators.is_birth_number},
        ),
        _too_long(MAX_CUSTOMER_NO_LENGTH, "too-long"),
    ),
    "phoneNo": (
        Check(
            not_like(validators.ORDINARY_PHONE),
            {
                "scientific-notation": validators.is_scientific,
                "letters-in-phone": validators.has_letters,
                "doubtful-phone": validators.is_doubtful_phone,
            },
            by_country=True,
        ),
    ),
    "organizationNo": (
        Check(
            lambda column: filterfalse(validators.checks_out, column.cells),
            {"birth-number": validators.is_birth_number, "not-an-organisation-number": validators.is_no_organisation},
            by_country=True,
        ),
    ),
    "dateOfBirth": (),
    "countryCode": (
        Check(
            _not_among(validators.COMMON_COUNTRIES),
            {"not-a-country-code": validators.is_no_country_code, "unknown-country": validators.is_no_country},
        ),
    ),
    "postalCode": (
        Check(
            not_like(validators.ORDINARY_POSTAL_CODE), {"postal-code": validators.is_no_postal_code}, by_country=True
        ),
    ),
    "distributionType": (_seen(validators.SEEN_DISTRIBUTION_TYPES),),
    "einvoiceCode": (
        Check(_not_among(validators.SEEN_EINVOICE_CODES), _WHOLE_NUMBER),
        _seen(validators.SEEN_EINVOICE_CODES),
    ),
}
"""The checks of single fields; those of every column, and of `dateOfBirth`, which depends on the day, are added."""

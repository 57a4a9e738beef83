"""Check rules column by column: most cells pass a fast path at once, and only suspect cells are validated.

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
from armrest.intake.rules.customer_number import CUSTOMER_NO_FAST_PATH, CUSTOMER_NO_PREDICATES
from armrest.intake.rules.phone_numbers import PHONE_FAST_PATH, is_doubtful_phone
from armrest.intake.rules.reject_codes import Severity
from armrest.intake.rules.text_cells import (
    TEXT_FIELDS,
    WORDY_FIELDS,
    cells_with_breaks,
    cells_with_codes,
    cells_with_odd_signs,
    cells_without_words,
    has_break,
    has_garbled_letters,
    has_postal_code,
    is_date_or_truth_value,
    is_escaped,
    not_a_text,
)
from armrest.intake.rules.unused_customers import cells_of_unused, is_unused
from armrest.intake.rules.validators import DOMESTIC
from armrest.model import FIELD_PATHS, LIST_FIELDS, NUMBER_COLUMNS

MAX_CUSTOMER_NO_LENGTH: Final = 50
MAX_LENGTH: Final = 255
"""Both lengths are assumed; Amili documents none."""
BIRTH_NUMBERS_REJECT: Final = TEXT_FIELDS | {"organizationNo"}
"""Free text, and the organization number: here a birth number is an error, elsewhere a chance hit is likelier."""
OLDEST_BIRTH: Final = "1900-01-01"

Predicate = Callable[[str], bool]
"""Whether a cell, which is never empty, breaks a rule."""


@dataclass(frozen=True, slots=True)
class Check:
    """Rules that share a fast path.

    Attributes:
        suspects: Returns the cells of a column that may break a rule; all other cells break none.
        predicates: Whether a cell breaks a rule, by the rule's code.
        by_country: Whether the cell is checked with its row's country, `SE|46 12`, unless that is Norway or missing.
    """

    suspects: Callable[[Column], Iterable[str]]
    predicates: Mapping[str, Predicate]
    by_country: bool = False

    def breaches(self, column: Column) -> Iterator[tuple[int, str]]:
        """Yield the position of each cell that breaks a rule, and the code of the rule."""
        suspects = set(self.suspects(column.without_repeats))
        suspects.discard("")
        for code, breaks_rule in self.predicates.items() if suspects else ():
            faulty = {cell for cell in suspects if breaks_rule(cell)}
            if faulty:
                yield from ((row, code) for row, cell in enumerate(column.cells) if cell in faulty)


_LARGE: Final = ("E+", "e+")
NO_COUNTRY: Final = "ZZ"
"""The code of no country, by CLDR."""


def checks_of(
    field: str, *, today: date, severities: Mapping[str, Severity], lookup: Collection[str] | None = None
) -> list[Check]:
    """The checks of a field's column, without the rules that are off.

    Args:
        lookup: The values that a mapping's lookup returns.
    """
    checks = [*EVERYWHERE, *OWN_CHECKS.get(field, ()), *_beyond_the_key(field)]
    if field == "dateOfBirth":
        checks.append(_dates(today))
    if lookup is not None:
        checks.append(Check(_other_than(lookup), {"not-in-lookup": lambda cell: cell not in lookup}))
    enabled = [
        Check(
            check.suspects,
            {code: predicate for code, predicate in check.predicates.items() if severities[code] != "off"},
            by_country=check.by_country,
        )
        for check in checks
    ]
    return [check for check in enabled if check.predicates]


def with_countries(column: Column, countries: Column) -> Column:
    """The column with the row's country before each cell, unless that is Norway or missing.

    A text that is no code of a country, such as a name, has a finding of its own; the cell is then of no known country.
    """
    if DOMESTIC.issuperset(countries.cells):
        return column
    codes = {
        country: country.upper() if validators.is_country_code(country) else NO_COUNTRY
        for country in {*countries.cells}.difference(DOMESTIC)
    }
    pairs = zip(column.cells, countries.cells, strict=True)
    return Column([f"{codes[country]}|{cell}" if cell and country in codes else cell for cell, country in pairs])


def cells_outside(pattern: str) -> Callable[[Column], Iterable[str]]:
    """Return a function that finds filled cells that do not match the pattern, which must not contain a line feed."""
    matching_cell = re.compile(rf"(?:{pattern})?").fullmatch
    matching_lines = re.compile(rf"(?:(?:{pattern})?\n)*+").match

    def suspects(column: Column) -> Iterator[str]:
        if not column.one_line_each:
            yield from filterfalse(matching_cell, column.cells)
            return
        text, start = column.text + "\n", 0
        while lines := matching_lines(text, start):
            start = lines.end()
            if start == len(text):
                return
            end = text.index("\n", start)
            yield text[start:end]
            start = end + 1

    return suspects


def _other_than(known: Collection[str]) -> Callable[[Column], Iterable[str]]:
    return lambda column: set(column.cells).difference(known)


def _unprintable(column: Column) -> Iterable[str]:
    return () if column.printable else filterfalse(str.isprintable, column.cells)


def _holding(*signs: str) -> Callable[[Column], Iterable[str]]:
    return lambda column: column.cells if any(sign in column.text for sign in signs) else ()


def _beginning_with(*signs: str) -> Callable[[Column], Iterable[str]]:
    def suspects(column: Column) -> Iterable[str]:
        text = column.text
        present = [sign for sign in signs if sign[0] in text and (text.startswith(sign) or f"\n{sign}" in text)]
        return (cell for cell in column.cells if cell.startswith(tuple(present))) if present else ()

    return suspects


def _unreadable(column: Column) -> Iterable[str]:
    yield from _unprintable(column)
    if "\\" in column.text:
        yield from (cell for cell in column.cells if "\\" in cell)


def _longer_than(length: int) -> Callable[[Column], Iterable[str]]:
    return lambda column: column.cells if column.has_longer_than(length) else ()


def _any_item(predicate: Predicate) -> Predicate:
    return lambda cell: any(map(predicate, items(cell)))


def _fails(validator: Predicate) -> Predicate:
    """The predicate of a rule that a cell breaks unless a validator accepts it."""
    return lambda cell: not validator(cell)


def _too_long(length: int, code: str) -> Check:
    return Check(_longer_than(length), {code: lambda cell: len(cell) > length})


def _seen(codes: Collection[str]) -> Check:
    return Check(_other_than(codes), {"unseen-code": lambda cell: cell not in codes})


def _dates(today: date) -> Check:
    outside = partial(validators.is_outside, first=OLDEST_BIRTH, last=today.isoformat())
    return Check(
        cells_outside(validators.DATE_FAST_PATH),
        {"not-a-date": _fails(validators.is_date), "date-out-of-range": outside},
    )


def _beyond_the_key(field: str) -> Iterator[Check]:
    """What is looked for in every column but that of the customer numbers, which has its own rules about it."""
    if field == "customerNo":
        return
    code = "birth-number" if field in BIRTH_NUMBERS_REJECT else "birth-number-elsewhere"
    yield Check(_may_hold_birth_number, {code: validators.contains_birth_number})
    yield Check(_beginning_with("=", "'"), {"formula-text": validators.is_formula_text})
    placeholder = "placeholder-name" if field == "name" else "placeholder"
    words = validators.placeholders_of(field)
    yield Check(_among(words), {placeholder: words.__contains__})
    if field in TEXT_FIELDS:
        yield from _of_texts(field)


def _of_texts(field: str) -> Iterator[Check]:
    """What is looked for in the columns of words."""
    own = {"not-a-name": is_date_or_truth_value} if field == "name" else {}
    yield Check(cells_without_words, {**own, "not-a-text": not_a_text(field)})
    garbled = {
        "mojibake": lambda cell: has_garbled_letters(cell) and not (is_escaped(cell) or validators.is_garbled(cell))
    }
    yield Check(cells_with_odd_signs, {**garbled, "escaped-text": is_escaped})
    yield Check(_holding(*_LARGE), {"scientific-notation": _is_large_number})
    yield Check(cells_with_breaks, {"line-break": has_break(field)})
    if field in WORDY_FIELDS:
        yield Check(_holding("@"), {"not-a-text": validators.is_email})
    if field == "name":
        yield Check(cells_of_unused, {"test-or-closed": is_unused})
    if field == "cityName":
        yield Check(cells_with_codes, {"postal-code-in-city": has_postal_code})


def _is_large_number(cell: str) -> bool:
    """Whether a cell is a number as programs write large ones; `2E10` may be a reference."""
    return any(sign in cell for sign in _LARGE) and validators.is_scientific(cell)


def _may_hold_birth_number(column: Column) -> Iterable[str]:
    return column.cells if column.may_hold_birth_number else ()


def _among(words: frozenset[str]) -> Callable[[Column], Iterable[str]]:
    return lambda column: () if words.isdisjoint(column.cells) else words.intersection(column.cells)


_WHOLE_NUMBER: Final = {"not-a-whole-number": _fails(validators.is_whole_number)}

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
                cells_outside(validators.EMAIL_LIST_FAST_PATH),
                {
                    "not-an-email": _any_item(_fails(validators.is_email)),
                    "doubtful-email": _any_item(validators.is_doubtful_email),
                },
            ),
        ),
    ),
    "customerNo": (
        Check(
            cells_outside(CUSTOMER_NO_FAST_PATH),
            {
                "blank-inside": validators.has_blank,
                "scientific-notation": validators.is_scientific,
                **CUSTOMER_NO_PREDICATES,
            },
        ),
        Check(
            lambda column: validators.possible_birth_numbers(column.cells) if column.may_hold_birth_number else (),
            {"birth-number-as-customer-number": validators.is_birth_number},
        ),
        _too_long(MAX_CUSTOMER_NO_LENGTH, "too-long"),
    ),
    "phoneNo": (
        Check(
            cells_outside(PHONE_FAST_PATH),
            {
                "scientific-notation": validators.is_scientific,
                "letters-in-phone": validators.has_letters,
                "doubtful-phone": is_doubtful_phone,
            },
            by_country=True,
        ),
    ),
    "organizationNo": (
        Check(
            lambda column: filterfalse(validators.has_valid_checksum, filter(None, column.cells)),
            {
                "not-an-organisation-number": validators.is_doubtful_organisation_number,
            },
            by_country=True,
        ),
    ),
    "dateOfBirth": (),
    "countryCode": (
        Check(
            _other_than(validators.COMMON_COUNTRIES),
            {
                "not-a-country-code": _fails(validators.is_country_code),
                "unknown-country": validators.is_unknown_country,
            },
        ),
    ),
    "postalCode": (
        Check(
            cells_outside(validators.POSTAL_CODE_FAST_PATH),
            {"postal-code": validators.is_doubtful_postal_code},
            by_country=True,
        ),
    ),
    "distributionType": (_seen(validators.SEEN_DISTRIBUTION_TYPES),),
    "einvoiceCode": (
        Check(_other_than(validators.SEEN_EINVOICE_CODES), _WHOLE_NUMBER),
        _seen(validators.SEEN_EINVOICE_CODES),
    ),
}
"""The checks of single fields; those of every column, and of `dateOfBirth`, which depends on the day, are added."""

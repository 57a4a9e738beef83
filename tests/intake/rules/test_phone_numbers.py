"""Phone numbers of other countries: most are judged by the library's patterns, and the others by the library itself."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.intake.rules import phone_numbers
from armrest.intake.rules.phone_numbers import is_doubtful_phone

COUNTRIES = ("AT", "BE", "CH", "DE", "DK", "EE", "ES", "FR", "IE", "NL", "PL", "PT", "SE")
FRONTS = ("", "0", "+{}", "+{} ", "{}", "00", "00{}", "1")


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """A country, and a number that is nearly one of it."""
    country = draw(st.sampled_from(COUNTRIES))
    kind = draw(st.sampled_from(sorted(phonenumbers.supported_types_for_region(country))))
    example = str(phonenumbers.example_number_for_type(country, kind).national_number)
    digits = example[: draw(st.integers(0, len(example)))] + draw(st.from_regex("[0-9]{0,6}", fullmatch=True))
    front = draw(st.sampled_from(FRONTS)).format(phonenumbers.country_code_for_region(country))
    gap = draw(st.integers(0, len(digits)))
    return country, front + digits[:gap] + draw(st.sampled_from(["", " ", "-"])) + digits[gap:]


@given(written())
def test_the_library_refuses_no_number_that_its_patterns_accept(number: tuple[str, str]) -> None:
    country, digits = number
    if phone_numbers._is_ordinary(digits, country):
        parsed = phonenumbers.parse(digits, country)
        assert phonenumbers.is_valid_number(parsed)
        assert phone_numbers._has_only_digits_of(parsed, digits)


@pytest.mark.parametrize("cell", ["31.01.1980", "1.12.2026", "SE|31.01.1980"])
def test_a_date_is_no_phone_number_though_its_digits_are_one(cell: str) -> None:
    assert is_doubtful_phone(cell)


@pytest.mark.parametrize("number", ["070-174 06 05", "0701740605", "+46 70 174 06 05", "+46701740605"])
def test_an_ordinary_swedish_number_is_judged_without_the_library(number: str) -> None:
    assert phone_numbers._is_ordinary(number, "SE")


@pytest.mark.parametrize(
    "number", ["SE|12", "SE|+46", "DE|497877339", "AT|435189-32205", "GB|12", "DK|0", "SE|070١٢٣٤٥٦٧"]
)
def test_a_number_that_no_pattern_accepts_is_judged_by_the_library(number: str) -> None:
    country, digits = number.split("|")

    assert not phone_numbers._is_ordinary(digits, country)
    assert is_doubtful_phone(number)

"""Judge phone numbers: by patterns if they are ordinary, and otherwise by the library, which takes much longer."""

import re
from functools import cache, lru_cache
from typing import Any, Final

from armrest.intake.rules.customer_number import is_date_or_time
from armrest.intake.rules.validators import has_letters, is_scientific, split_country

PHONE_FAST_PATH: Final = (
    r"(?:\+47 ?)?(?:9[0-9]|4[016-8]|2[1-4]|3[1-3578]|5[1-35-7]|6[1-46-9]|7[0-8])"
    r"(?:[0-9]{6}| [0-9]{2} [0-9]{2} [0-9]{2}|[0-9] [0-9]{2} [0-9]{3})"
)
_KINDS: Final = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost"),
    *("personal_number", "voip", "pager", "uan", "voicemail"),
)
"""The kinds of numbers that the library counts as valid, by its own names."""


@lru_cache(maxsize=10_000)
def is_doubtful_phone(cell: str) -> bool:
    """Whether phonenumbers considers a number invalid in the cell's country."""
    import phonenumbers

    country, number = split_country(cell)
    if has_letters(number) or is_scientific(number) or country not in phonenumbers.SUPPORTED_REGIONS:
        return False
    if is_date_or_time(number):  # `31.01.1980` has the digits of a phone number, and the library ignores dots
        return True
    if _is_ordinary(number, country):
        return False
    try:
        parsed = phonenumbers.parse(number, country)
        return not phonenumbers.is_valid_number(parsed) or not _has_only_digits_of(parsed, number)
    except phonenumbers.NumberParseException:
        return True


def _is_ordinary(number: str, country: str) -> bool:
    """Whether a number is surely valid, by the library's own patterns.

    It is written as it is dialled in its country, or with `+` and the country's code in front.
    """
    written = _ordinary_numbers(country)
    return written is not None and written.fullmatch(number.replace(" ", "").replace("-", "")) is not None


@cache
def _ordinary_numbers(country: str) -> re.Pattern[str] | None:
    """The pattern of a country's valid numbers; None if digits in front of them may mean something else.

    That is so where countries share a code, or where a number can begin with other digits than those of the country.
    """
    import phonenumbers

    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region(country)
    trunk = metadata.national_prefix_for_parsing
    is_alone = len(phonenumbers.region_codes_for_country_code(metadata.country_code)) == 1
    if not is_alone or metadata.international_prefix != "00" or trunk not in (None, "0"):
        return None
    kinds = filter(None, (getattr(metadata, kind) for kind in _KINDS))
    patterns = "|".join(kind.national_number_pattern for kind in kinds if kind.national_number_pattern)
    code, any_kind = metadata.country_code, metadata.general_desc.national_number_pattern
    in_front = rf"(?:\+{code}{f'|{trunk}' if trunk else ''})?(?!0)"
    return re.compile(rf"{in_front}(?=(?:{any_kind})\Z)(?:{patterns})", re.ASCII)


def _has_only_digits_of(parsed: Any, number: str) -> bool:
    """Whether a cell has the digits of one number and no others; the library reads only the first of two numbers."""
    import phonenumbers

    national = phonenumbers.national_significant_number(parsed)
    digits = "".join(filter(str.isdecimal, number))
    return digits.endswith(national) and digits.removesuffix(national) in {
        "", "0", f"{parsed.country_code}", f"00{parsed.country_code}", f"{parsed.country_code}0", "8",
    }  # fmt: skip

"""Names of countries in the languages of the Nordic countries and in English, as Unicode's CLDR has them."""

from functools import cache
from typing import Final

LANGUAGES: Final = ("nb", "nn", "sv", "da", "fi", "en")
_SPOKEN: Final = {
    "norge": "NO", "noreg": "NO", "norway": "NO",
    "finnland": "FI", "usa": "US", "u s a": "US", "england": "GB", "uk": "GB", "great britain": "GB", "holland": "NL",
}  # fmt: skip
"""Names that people write and CLDR does not list as a territory's."""


def country_code(name: str) -> str | None:
    """The code of ISO 3166 of a country's name or code; None if it is not known, or two countries have that name."""
    return _codes().get(_folded(name))


@cache
def _codes() -> dict[str, str]:
    """The code of each name. Loading the six languages takes about 0.3 s, so it waits for the first question."""
    import pycountry
    from babel import Locale

    countries = {country.alpha_2 for country in pycountry.countries}
    codes: dict[str, str] = {}
    doubtful: set[str] = set()
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if code in countries and codes.setdefault(_folded(name), code) != code:
                doubtful.add(_folded(name))
    for name in doubtful:
        del codes[name]
    return codes | _SPOKEN | {code.casefold(): code for code in sorted(countries)}


def _folded(name: str) -> str:
    return " ".join(name.replace(".", " ").replace("&", "and").casefold().split())

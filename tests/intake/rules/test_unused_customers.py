"""Names of customers that should perhaps not be sent: which are found, and that the search finds them in any column."""

import pytest

from armrest.intake.rules.column import Column
from armrest.intake.rules.unused_customers import _PHRASES, _TESTS, _TOTALS, _WORDS, cells_of_unused, is_unused

SPELLINGS = (
    str.lower,
    str.upper,
    str.title,
    str.capitalize,
    str.swapcase,
    lambda text: f"{text[:-2]}{text[-2:].upper()}",
)
AROUND = (
    "{}", "{} 25", "{}21", "* {} *", "({})", "{}.", "Hansen {}", "Hansen - {}", "{}: Hansen", "{} Kari Moe",
    "\u2013{}\u2013", "Hansen ({}) 2024", "Hansen({})", "Kari Moe, {}", "Kari_{}",
)  # fmt: skip


@pytest.mark.parametrize("text", [*_TESTS, *_PHRASES, *_WORDS, *_TOTALS])
def test_every_such_name_is_among_those_that_are_looked_at(text: str) -> None:
    names = {around.format(spelling(text)) for spelling in SPELLINGS for around in AROUND}
    unused = {name for name in names if is_unused(name)}

    assert unused
    for name in unused:
        assert name in cells_of_unused(Column([name, "Kari Moe"]))


@pytest.mark.parametrize(
    "name",
    ["Test AS", "Testkunde AS", "test123", "Test 25", "TestKunde", "Don't Use", "Hansen IKKE BRUK", "HANSEN IKKE BRUK",
     "Hansen ikke bruk", "Kari Moe DO NOT USE", "Kari Moe UTGÅTT", "Sperret - Hansen"],
)  # fmt: skip
def test_a_test_or_a_customer_no_longer_in_use_is_found(name: str) -> None:
    assert is_unused(name)


@pytest.mark.parametrize(
    "name",
    ["Test Rite AS", "Testrite AS", "Stengt AS", "Utgård", "Slette AS", "Slutt AS", "Total Bygg", "Passiv - Aktiv AS",
     "Duplikat: Kopi & Trykk", "Closed - Loop AS", "Deleted: Scenes", "Slettet Hansen", "Svendsen", "Mikkelsen"],
)  # fmt: skip
def test_an_honest_name_is_not(name: str) -> None:
    assert not is_unused(name)

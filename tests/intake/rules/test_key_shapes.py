"""Customer numbers that are much longer than the others are found; honest mixes of lengths are not."""

from collections.abc import Sequence

import pytest

from armrest.intake.rules import Column, KeyShapes

FIVE = [str(10001 + number) for number in range(40)]
SIX = [str(100_001 + number) for number in range(10)]
PREFIXED = [f"K-{10001 + number}" for number in range(40)]
THIRTY = "1" * 30


def unlike(first: Sequence[str], later: Sequence[str] | None = None) -> set[str]:
    """The numbers of a block that are unlike the others, after the first rows were learnt."""
    cells = first if later is None else later
    breaches = KeyShapes.of(Column(first)).breaches(Column(cells))
    return {cells[row] for row, code in breaches if code == "unlike-the-others"}


@pytest.mark.parametrize(
    ("others", "odd"),
    [
        pytest.param(FIVE, THIRTY, id="thirty digits among five"),
        pytest.param(FIVE, "1000110002", id="two numbers joined"),
        pytest.param(FIVE + SIX, THIRTY, id="among five and six"),
        pytest.param(PREFIXED, f"K-{THIRTY}", id="behind a prefix"),
        pytest.param(PREFIXED + FIVE[:10], THIRTY, id="among numbers with a prefix and some without"),
        pytest.param(["1", "2", "3", "4"], "10001", id="in a short file"),
        pytest.param([str(number) for number in range(1, 1500)], THIRTY, id="among numbers that grow"),
    ],
)
def test_a_number_at_least_twice_as_long_as_the_others_is_unlike_them(others: list[str], odd: str) -> None:
    assert unlike([*others, odd]) == {odd}
    assert unlike(others, [odd]) == {odd}


def test_two_numbers_that_are_too_long_do_not_hide_each_other() -> None:
    assert unlike([*FIVE, THIRTY, "1" * 12]) == {THIRTY, "1" * 12}


@pytest.mark.parametrize(
    "honest",
    [
        pytest.param(FIVE + SIX, id="five and six digits"),
        pytest.param([*FIVE, SIX[0]], id="the first number of six digits"),
        pytest.param(FIVE + PREFIXED, id="half with a prefix"),
        pytest.param([str(number) for number in range(1, 1500)], id="from 1 on"),
        pytest.param([str(number) for number in range(1, 102)], id="up to 101"),
        pytest.param(["1", "2", "3", "4", "1000"], id="small numbers and the first of the next series"),
        pytest.param([*FIVE, *(f"9{number:08}" for number in range(4))], id="some organization numbers"),
        pytest.param([*FIVE, "912345678"], id="one organization number"),
        pytest.param(["A" * length + str(length) for length in range(2, 18)], id="names with a digit"),
        pytest.param(["7", "77", "777", "77777777777777"], id="each of another length"),
        pytest.param([*FIVE, *(f"{number:012}" for number in range(10**11, 10**11 + 10))], id="a second series"),
    ],
)
def test_an_honest_mix_of_lengths_is_no_finding(honest: list[str]) -> None:
    assert unlike(honest) == set()


def test_a_later_block_of_longer_numbers_is_a_series_of_its_own() -> None:
    assert unlike(FIVE, [f"2026{number:08}" for number in range(40)]) == set()

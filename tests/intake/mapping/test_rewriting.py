"""A step of a mapping never guesses: a cell that it cannot read stays, and the rules judge it."""

import pytest

from armrest.intake.mapping.rewriting import step_of

ONE_NUMBER = {
    "974 760 673": "974760673",
    "974.760.673": "974760673",
    "NO974760673MVA": "974760673",
    "N-0155": "0155",
    "(+47) 912 34 567": "4791234567",
    "912.34.567": "91234567",
    "*0010*": "0010",
}


@pytest.mark.parametrize(("cell", "digits"), ONE_NUMBER.items())
def test_digits_keeps_those_of_one_number(cell: str, digits: str) -> None:
    assert step_of("digits").step(cell, "") == digits


@pytest.mark.parametrize(
    "cell",
    [
        *("10001.0", "10001,0", "155.0", "155.00", "10,5", "912.34.56"),
        *("29.11.2026", "1.2.1980", "2026-11-29", "29/11/2026"),
        *("-155", "10001 / 10002", "10001;10002", "1,234", "10²", "１０００１", "٣٤٥", "A-1"),
    ],
)
def test_digits_leaves_what_is_no_whole_number_or_several(cell: str) -> None:
    assert step_of("digits").step(cell, "") == cell


@pytest.mark.parametrize("step", ["e164", "national"])
def test_a_date_is_no_phone_number(step: str) -> None:
    assert step_of(step).step("31.01.1980", "NO") == "31.01.1980"

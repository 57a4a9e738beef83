"""New customer numbers that equal vanished ones but for zeros, padding, signs, a prefix or a suffix."""

import pytest

from armrest.planning.file_profile.renumbering import SAMPLE, Renumbering

KNOWN = [f"{number:06d}" for number in range(1, 301)]


def difference(new: list[str], vanished: list[str]) -> str | None:
    renumbering = Renumbering()
    renumbering.note_new(new)
    for number in vanished:
        renumbering.note_vanished(number)
    return renumbering.difference()


ALIKE = {
    "zeros are lost": (["10"], ["0010"], "leading zeros (10 / 0010)"),
    "zeros are added": (["0000000010"], ["10"], "leading zeros (0000000010 / 10)"),
    "a fraction": (["10.0"], ["10"], "zeros, blanks or signs"),
    "a separator of thousands": (["10 001"], ["10001"], "zeros, blanks or signs"),
    "a hyphen": (["10-001"], ["10001"], "zeros, blanks or signs"),
    "another case, and zeros": (["k10"], ["0K10"], "leading zeros (k10 / 0K10)"),
    "a prefix of letters": ([f"K-{no}" for no in KNOWN], KNOWN, "letters (… → k-…)"),
    "a prefix of letters is lost": (KNOWN, [f"K-{no}" for no in KNOWN], "letters (k-… → …)"),
    "other letters": ([f"KND{no}" for no in KNOWN], [f"K-{no}" for no in KNOWN], "letters (k-… → knd…)"),
    "a prefix of digits": ([f"2218{no}" for no in KNOWN], KNOWN, "what is added (2218…)"),
    "a suffix of digits": ([f"{no}01" for no in KNOWN], KNOWN, "what is added (…01)"),
    "a prefix of digits is lost": (KNOWN, [f"2218{no}" for no in KNOWN], "what is left out (2218…)"),
    "one of many": (["10", *KNOWN[20:]], ["0010", "7001", "7002"], "leading zeros (10 / 0010)"),
}


@pytest.mark.parametrize(("new", "vanished", "said"), ALIKE.values(), ids=ALIKE)
def test_numbers_that_are_alike_are_said(new: list[str], vanished: list[str], said: str) -> None:
    assert said in (difference(new, vanished) or "")


@pytest.mark.parametrize("new", ["K-15108695088", "015108695088", "15108695088.0"])
def test_a_birth_number_is_no_example(new: str) -> None:
    said = [
        difference([new], ["15108695088"]),
        difference([f"{new}", "10", "11", "12"], ["15108695088", "0010", "0011"]),
    ]

    assert "15108695088" not in " ".join(filter(None, said))
    assert "leading zeros (10 / 0010" in (said[1] or "")


def test_numbers_that_have_lost_the_zero_of_a_birth_number_are_said_without_examples() -> None:
    said = difference(["1018000055"], ["01018000055"])

    assert said == "1 of 1 new customers differs from known ones only by leading zeros"


OTHERS = {
    "no new ones": ([], KNOWN),
    "none has vanished": (KNOWN, []),
    "others": (["20001", "20002"], ["10001", "10002"]),
    "two with a letter by chance": (["b100", "b200", "b300", "b400", "b500"], ["a100", "a200"]),
    "longer numbers, some of which end like known ones": (
        [str(number) for number in range(210_000, 210_100)],
        [str(number) for number in range(10_050, 19_000)],
    ),
}


@pytest.mark.parametrize(("new", "vanished"), OTHERS.values(), ids=OTHERS)
def test_other_customers_are_not_taken_for_the_known_ones(new: list[str], vanished: list[str]) -> None:
    assert difference(new, vanished) is None


def test_of_many_new_ones_some_are_looked_at_and_it_says_so() -> None:
    known = [f"{number:06d}" for number in range(1, SAMPLE + 101)]

    said = difference([number.lstrip("0") for number in known], known)

    assert said == (
        "2,000 of 2,000 of 2,100 new customers differ from known ones only by leading zeros (1 / 000001, 2 / 000002 …)"
    )

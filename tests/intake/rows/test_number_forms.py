"""Numbers that differ only by their form are found, and a file that writes all numbers in one way is read once."""

from collections.abc import Callable
from typing import Any

import pytest

from armrest.intake import InputRefused, Policy, Source
from armrest.intake.rows.number_forms import NumberForms
from tests.intake.reading import read, warnings

Open = Callable[..., Source]


def file(numbers: list[str]) -> str:
    return "customerNo,name\n" + "".join(f"{number},Kari Moe\n" for number in numbers)


def almost(source: Source) -> list[int]:
    return [row for row, _, code in warnings(source) if code == "almost-a-duplicate"]


FIVE = [f"{number:05}" for number in range(10, 60)]
SHORT = [str(number) for number in range(10, 60)]


@pytest.mark.parametrize(
    ("numbers", "rows"),
    [
        pytest.param(["0010", "10"], [2, 3], id="a pair"),
        pytest.param(["10", "20", "0010"], [2, 4], id="the padded one last"),
        pytest.param(FIVE + SHORT, list(range(2, 102)), id="half of the column"),
        pytest.param(["0010", "00010", "20", "30"], [2, 3], id="padded to two lengths"),
        pytest.param(["K-0010", "K-10", "K-11"], [2, 3], id="behind letters"),
        pytest.param(["K-10", "K10", "L10"], [2, 3], id="a sign after the letters"),
        pytest.param(["k_10", "K-0010"], [2, 3], id="a sign, zeros and capitals"),
        pytest.param(["0010-1", "10-1", "10"], [2, 3], id="numbers of two parts"),
        pytest.param(['"=""0010"""', "10", "'020"], [2, 3], id="in a spreadsheet's wrapping"),
        pytest.param(["", "0010", "", "10", ""], [3, 5], id="between empty cells"),
    ],
)
@pytest.mark.parametrize("duplicates", ["error", "first", "last", "merge"])
def test_numbers_that_differ_by_their_form_are_named_with_their_rows(
    source: Open, numbers: list[str], rows: list[int], duplicates: Any
) -> None:
    assert almost(source(file(numbers), policy=Policy(duplicates=duplicates))) == rows


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(FIVE, id="all padded"),
        pytest.param([*FIVE, "100000"], id="all padded, and one longer"),
        pytest.param(SHORT, id="none padded"),
        pytest.param([f"K-{number}" for number in FIVE], id="padded behind a prefix"),
        pytest.param([f"{'KL'[int(number) % 2]}{number}" for number in SHORT], id="two prefixes"),
        pytest.param([f"{'KL'[int(number) % 2]}-{number}" for number in FIVE], id="two padded prefixes"),
        pytest.param(["0", *SHORT], id="a zero"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_file_that_writes_its_numbers_in_one_way_is_not_read_again(numbers: list[str], size: int) -> None:
    forms = NumberForms()
    for start in range(0, len(numbers), size):
        forms.note(numbers[start : start + size])

    assert not forms.are_several


PAIRS = [("0010", "10"), ("00010", "0010"), ("K010", "K10"), ("K-10", "K10"), ("L.10", "L-10"), ("0010-1", "10-1")]
BETWEEN: list[list[str]] = [
    [],
    [str(number) for number in range(10_000, 10_020)],
    [f"K{number}" for number in range(100, 120)],
    ["0020-1", "9"],
    ["20-1"],
]


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_pair_is_suspected_wherever_it_is(one: str, other: str, size: int) -> None:
    for numbers in [[first, *between, last] for first, last in ((one, other), (other, one)) for between in BETWEEN]:
        forms = NumberForms()
        for start in range(0, len(numbers), size):
            forms.note(numbers[start : start + size])
        assert forms.are_several


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(["0010", "500", "5001"], id="other numbers"),
        pytest.param(["K10", "L10", "10"], id="other letters"),
        pytest.param(["10-1", "101", "1-01"], id="a sign between digits"),
        pytest.param(["K1001", "K-1002"], id="a sign, but other numbers"),
        pytest.param(["100", "10", "1"], id="zeros at the end"),
    ],
)
def test_other_numbers_are_no_finding(source: Open, numbers: list[str]) -> None:
    assert almost(source(file(numbers))) == []


def test_a_row_that_is_not_sent_has_no_warning_but_the_other_one_has(source: Open) -> None:
    opened = source("customerNo,name,dateOfBirth\n0010,Kari,1980-13-01\n10,Kari,\nSum,,\n")

    assert almost(opened) == [3]
    assert [row for row, *_ in read(opened)[1]] == [2]


def test_a_row_with_two_warnings_counts_once(source: Open) -> None:
    blocks = list(source("customerNo,name\n0010,Kari\n10,Ola\n020,\n").blocks())

    assert sum(block.warned_rows for block in blocks) == 3
    assert blocks[-1].warned_before == 0
    blocks = list(source("customerNo,name\n0010,\n10,\n").blocks())
    assert (sum(block.warned_rows for block in blocks), blocks[-1].warned_before) == (2, 2)


def test_the_settings_switch_the_rule_off_or_make_it_refuse_the_file(source: Open) -> None:
    assert almost(source(file(["0010", "10"]), policy=Policy(severities={"almost-a-duplicate": "off"}))) == []
    with pytest.raises(InputRefused, match=r"row 2: customerNo is another number of the file but for") as refused:
        read(source(file(["0010", "10"]), policy=Policy(severities={"almost-a-duplicate": "error"})))

    assert (refused.value.code, refused.value.rows) == ("almost-a-duplicate", (2,))


def test_a_birth_number_is_not_shown_and_neither_is_one_without_its_zero(source: Open) -> None:
    numbers = [str(number) for number in range(100, 110)]
    opened = source(file(["01010750160", "1010750160", *numbers]))

    shown = [it.customer_no for block in opened.blocks() for it in block.warnings if it.code == "almost-a-duplicate"]

    assert shown == [None, None]


def test_workers_give_the_same_findings(source: Open) -> None:
    opened = source(file([*(f"{number:06}" for number in range(3000)), "10", "20"]))

    alone, together = (
        [
            (finding.row, finding.code)
            for block in opened.sealed_blocks(b"key", processes=processes)
            for finding in block.warnings
            if finding.code == "almost-a-duplicate"
        ]
        for processes in (1, 2)
    )

    assert alone == together == [(row, "almost-a-duplicate") for row in (12, 22, 3002, 3003)]

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.intake import InputRefused, Policy, Source
from armrest.intake.rows import key_hashes
from armrest.intake.rows.key_hashes import KeyHashes, rows_of_each
from tests.intake.reading import read, warnings

Open = Callable[..., Source]


def found(numbers: list[str]) -> dict[str, list[int]]:
    seen = KeyHashes()
    seen.add(numbers)
    return rows_of_each([(2, numbers)], seen.repeated())


@pytest.mark.parametrize("small", [0, 100_000], ids=["by numpy", "by a set"])
@given(st.lists(st.sampled_from(["", "1", "2", "a1", "A1", "ß", "SS", "3"])))
def test_a_number_in_two_rows_is_found_with_all_its_rows(small: int, numbers: list[str]) -> None:
    expected: dict[str, list[int]] = {}
    for row, number in enumerate(numbers, start=2):
        expected.setdefault(number.casefold(), []).append(row)
    expected.pop("", None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_hashes, "SMALL", small)
        patch.setattr(key_hashes, "COMPARED_AT_ONCE", 2)
        assert found(numbers) == {number: rows for number, rows in expected.items() if len(rows) > 1}


def test_two_numbers_that_share_a_hash_are_told_apart() -> None:
    assert rows_of_each([(2, ["1", "2"])], {hash("1"), hash("2")}) == {}


TWICE = "customerNo,name,phoneNo\nA1,Kari,\nB1,Ola,\na1,Kari,91234567\nC1,Per,\nA1,,22334455\n"


def test_a_customer_twice_is_refused_with_both_rows_even_where_one_is_rejected(source: Open) -> None:
    with pytest.raises(InputRefused, match=r"customerNo a1 is in rows 2 and 4 \(1 more customer repeated") as refused:
        read(source("customerNo,phoneNo\na1,\nb2,\nA1,call\nb2,\n"))

    assert (refused.value.code, refused.value.rows) == ("duplicate-customer-no", (2, 4))


@pytest.mark.parametrize(
    ("policy", "kept", "left_out"),
    [
        ("first", [("A1", "Kari", None), ("B1", "Ola", None), ("C1", "Per", None)], [4, 6]),
        ("last", [("B1", "Ola", None), ("C1", "Per", None), ("A1", None, "22334455")], [2, 4]),
    ],
)
def test_the_first_or_the_last_row_goes(source: Open, policy: str, kept: list[object], left_out: list[int]) -> None:
    opened = source(TWICE, policy=Policy(duplicates=policy))  # type: ignore[arg-type]

    customers, rejects = read(opened)

    assert [(one["customerNo"], one.get("name"), one.get("phoneNo")) for one in customers] == kept
    assert rejects == []
    assert warnings(opened) == [(row, "customerNo", "duplicate-left-out") for row in left_out]


def test_rows_that_agree_are_merged_into_the_first(source: Open) -> None:
    customers, _ = read(
        source(
            "customerNo,name,phoneNo\nA1,Kari,\nB1,Ola,\na1, kari ,91234567\nA1,,\n", policy=Policy(duplicates="merge")
        )
    )

    assert customers == [
        {"customerNo": "A1", "name": "Kari", "phoneNo": "91234567"},
        {"customerNo": "B1", "name": "Ola"},
    ]


def test_rows_that_disagree_are_not_merged(source: Open) -> None:
    with pytest.raises(InputRefused, match='rows 2 and 4 and 6 are one customer, but differ in "phoneNo"') as refused:
        read(source(TWICE, policy=Policy(duplicates="merge")))

    assert refused.value.rows == (2, 4, 6)


@pytest.mark.parametrize("policy", ["error", "first", "last", "merge"])
def test_rows_that_are_rejected_for_their_number_are_no_duplicates(source: Open, policy: str) -> None:
    text = "customerNo,name\n1,Kari\nSum,10\n2,Ola\nSum,20\nNULL,Per\nNULL,Per\n"

    customers, rejects = read(source(text, policy=Policy(duplicates=policy)))  # type: ignore[arg-type]

    assert [one["customerNo"] for one in customers] == ["1", "2"]
    assert [row for row, *_ in rejects] == [3, 5, 6, 7]


def test_a_number_that_the_settings_allow_is_a_duplicate(source: Open) -> None:
    policy = Policy(severities={"no-digit": "off"})

    with pytest.raises(InputRefused, match="customerNo acme is in rows 2 and 3"):
        read(source("customerNo\nACME\nAcme\n", policy=policy))


@pytest.mark.parametrize("numbers", [("Å3", "å3"), ("K\u00c51", "KA\u030a1"), ("k\u00e51", "KA\u030a1")])
def test_one_number_in_two_spellings_is_a_duplicate_and_both_rows_are_named(
    source: Open, numbers: tuple[str, str]
) -> None:
    with pytest.raises(InputRefused, match=r"is in rows 2 and 4; keep one") as refused:
        read(source(f"customerNo,name\n{numbers[0]},Kari\n1,Ola\n{numbers[1]},Kari\n"))

    assert refused.value.rows == (2, 4)

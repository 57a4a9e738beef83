import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.intake import duplicates
from armrest.intake.duplicates import Duplicates, repeated


def found(numbers: list[str]) -> dict[str, list[int]]:
    seen = Duplicates()
    seen.add(numbers)
    return repeated([(2, numbers)], seen.suspects())


@pytest.mark.parametrize("small", [0, 100_000], ids=["by numpy", "by a set"])
@given(st.lists(st.sampled_from(["", "1", "2", "a1", "A1", "ß", "SS", "3"])))
def test_a_number_in_two_rows_is_found_with_all_its_rows(small: int, numbers: list[str]) -> None:
    expected: dict[str, list[int]] = {}
    for row, number in enumerate(numbers, start=2):
        expected.setdefault(number.casefold(), []).append(row)
    expected.pop("", None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "SMALL", small)
        assert found(numbers) == {number: rows for number, rows in expected.items() if len(rows) > 1}


def test_two_numbers_that_share_a_hash_are_told_apart() -> None:
    assert repeated([(2, ["1", "2"])], {hash("1"), hash("2")}) == {}

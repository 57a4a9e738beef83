"""Two numbers are one customer if they have the same key."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.model import customer_key, customer_keys


@pytest.mark.parametrize(
    ("number", "other"),
    [
        ("a1", "A1"),
        ("Å3", "å3"),
        ("K\u00c51", "KA\u030a1"),
        ("STRASSE1", "straße1"),
        ("ΣΊΣΥΦΟΣ1", "σίσυφος1"),
        ("\u212b1", "å1"),
    ],
)
def test_spellings_of_one_customer_have_one_key(number: str, other: str) -> None:
    assert customer_key(number) == customer_key(other)


@pytest.mark.parametrize(("number", "other"), [("1", "01"), ("O1", "Ø1"), ("A1", "B1"), ("I1", "\u01311")])
def test_other_numbers_have_other_keys(number: str, other: str) -> None:
    assert customer_key(number) != customer_key(other)


@given(st.lists(st.text(max_size=5)))
def test_the_keys_of_many_are_the_keys_of_each(numbers: list[str]) -> None:
    expected = [unicodedata.normalize("NFC", unicodedata.normalize("NFC", number).casefold()) for number in numbers]

    assert list(customer_keys(numbers)) == expected == list(map(customer_key, numbers))

"""Masks: a bit a field, in ARM's order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.model import FIELDS, mask_of, merged, names_in, without

FULL: dict[str, Any] = {"customerNo": "1", **dict.fromkeys(FIELDS, "x")}


@given(st.sets(st.sampled_from(FIELDS)))
def test_a_mask_names_the_fields_that_a_customer_carries(names: set[str]) -> None:
    customer = {"customerNo": "1", **dict.fromkeys(names, "x")}

    assert set(names_in(mask_of(customer))) == names
    assert names_in(mask_of(FULL)) == FIELDS


@given(st.sets(st.sampled_from(FIELDS)))
def test_what_a_mask_takes_away_leaves_the_rest(names: set[str]) -> None:
    mask = mask_of(dict.fromkeys(names))

    assert mask_of(without(FULL, mask)) == mask_of(FULL) & ~mask
    assert without(FULL, mask)["customerNo"] == "1"


def test_the_postal_address_is_one_field() -> None:
    assert names_in(mask_of({"customerNo": "1", "postalAddress": {"cityName": "Oslo"}})) == ("postalAddress",)


def test_a_number_alone_carries_no_field() -> None:
    assert mask_of({"customerNo": "1"}) == 0


def test_masks_are_merged() -> None:
    assert names_in(merged([mask_of({"name": "x"}), mask_of({"phoneNo": "x"})])) == ("name", "phoneNo")
    assert merged([]) == 0


@pytest.mark.parametrize(("place", "name"), list(enumerate(FIELDS)), ids=FIELDS)
def test_a_fields_bit_is_its_place(place: int, name: str) -> None:
    assert mask_of({name: None}) == 1 << place

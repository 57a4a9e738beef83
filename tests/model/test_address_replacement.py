"""What follows from the address being replaced as a whole."""

import pytest

from armrest.model import (
    ADDRESS_FIELDS,
    address_after,
    blanked_address_fields,
    is_partial_address,
    missing_address_fields,
    whole_address,
)

BLANK = dict.fromkeys(ADDRESS_FIELDS, "")
HELD = {"addressLine1": "Storgata 1", "addressLine2": "c/o Ola", "cityName": None}


def test_what_is_sent_goes_before_what_is_held_and_the_rest_is_blank() -> None:
    address = whole_address({"addressLine1": "Nygata 2", "addressLine2": ""}, HELD)

    assert address == BLANK | {"addressLine1": "Nygata 2"}
    assert blanked_address_fields(address, HELD) == ["addressLine2"]


@pytest.mark.parametrize(("address", "partial"), [(None, False), ({}, False), ({"cityName": ""}, True), (BLANK, False)])
def test_an_address_is_partial_if_a_field_would_be_blanked(address: dict[str, str] | None, partial: bool) -> None:
    assert is_partial_address(address) is partial


def test_after_an_update_arm_holds_what_was_sent_and_blanks() -> None:
    assert address_after({"cityName": "Oslo"}) == BLANK | {"cityName": "Oslo"}
    assert address_after({"cityName": ""}) == BLANK
    assert address_after({"cityName": None}) is None
    assert address_after(None) is None


def test_a_file_needs_street_code_and_city() -> None:
    assert missing_address_fields(["cityName", "countryCode"]) == ["addressLine1", "postalCode"]

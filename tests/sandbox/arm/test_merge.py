"""An update does to a customer what ARM's pages say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.model import ADDRESS_FIELDS, FIELDS
from armrest.sandbox.arm.assumed import NEW_CUSTOMER
from armrest.sandbox.arm.merge import create, merge

KARI = create(
    {
        "customerNo": "10001",
        "name": "Kari",
        "phoneNo": "91234567",
        "postalAddress": {"addressLine1": "Storgata 1", "addressLine2": "c/o Ola", "postalCode": "0155"},
        "emailAddressDocument": ["kari@example.no"],
        "distribution": {"type": "M", "einvoiceCode": 90},
    }
)


def test_new_customers_have_every_field_that_may_be_sent() -> None:
    assert set(NEW_CUSTOMER) == {"customerNo", *FIELDS}
    assert set(NEW_CUSTOMER["postalAddress"]) == set(ADDRESS_FIELDS)


@pytest.mark.parametrize("update", [{}, {"name": None}, {"postalAddress": None}, {"emailAddressDocument": None}])
def test_what_is_missing_or_null_is_kept(update: dict[str, Any]) -> None:
    assert merge(KARI, update) == KARI


@pytest.mark.parametrize(
    ("field", "blank"), [("name", ""), ("phoneNo", ""), ("dateOfBirth", ""), ("emailAddressDocument", [])]
)
def test_an_empty_value_blanks(field: str, blank: Any) -> None:
    assert merge(KARI, {field: blank}) == KARI | {field: blank}


def test_one_field_of_the_address_replaces_the_whole_group() -> None:
    moved = merge(KARI, {"postalAddress": {"addressLine1": "Kirkeveien 2"}})

    assert moved["postalAddress"] == NEW_CUSTOMER["postalAddress"] | {"addressLine1": "Kirkeveien 2"}


def test_null_within_a_sent_address_blanks_as_missing_does() -> None:
    moved = merge(KARI, {"postalAddress": {"cityName": "Oslo", "addressLine1": None}})

    assert moved["postalAddress"] == NEW_CUSTOMER["postalAddress"] | {"cityName": "Oslo"}


@pytest.mark.parametrize("address", [{}, {"cityName": None}], ids=["empty", "only nulls"])
def test_an_address_with_nothing_in_it_keeps_what_is_there(address: dict[str, Any]) -> None:
    assert merge(KARI, {"postalAddress": address}) == KARI


def test_an_empty_text_in_the_address_counts_as_sent() -> None:
    assert merge(KARI, {"postalAddress": {"cityName": ""}})["postalAddress"] == NEW_CUSTOMER["postalAddress"]


def test_the_fields_of_distribution_are_kept_each_by_itself() -> None:
    assert merge(KARI, {"distribution": {"type": "H"}})["distribution"] == {"type": "H", "einvoiceCode": 90}


def test_the_number_stays_as_it_was_first_written() -> None:
    assert merge(create({"customerNo": "ab1"}), {"customerNo": "AB1"})["customerNo"] == "ab1"


texts = st.none() | st.sampled_from(["", "a", "æ"])
addresses = st.dictionaries(st.sampled_from(ADDRESS_FIELDS), texts)
updates = st.fixed_dictionaries(
    {"customerNo": st.just("1")},
    optional={
        "name": texts,
        "phoneNo": texts,
        "postalAddress": st.none() | addresses,
        "emailAddressDocument": st.none() | st.lists(st.sampled_from(["a@b", "c@d"])),
        "distribution": st.none()
        | st.fixed_dictionaries({}, optional={"type": texts, "einvoiceCode": st.sampled_from([None, 0, 90])}),
    },
)


@given(st.lists(updates, max_size=6))
def test_applying_updates_equals_a_second_opinion(history: list[dict[str, Any]]) -> None:
    record = create({"customerNo": "1"})
    for update in history:
        record = merge(record, update)

    assert record == opinion(history)


def opinion(history: list[dict[str, Any]]) -> dict[str, Any]:
    """The same, read backwards: for each field, the last update that sent it decides."""

    def last(values: list[Any], otherwise: Any) -> Any:
        return next((value for value in reversed(values) if value is not None), otherwise)

    record = dict(NEW_CUSTOMER) | {"customerNo": "1"}
    for field in ("name", "phoneNo", "emailAddressDocument"):
        record[field] = last([update.get(field) for update in history], record[field])
    sent = [update["postalAddress"] for update in history if update.get("postalAddress")]
    sent = [address for address in sent if any(value is not None for value in address.values())]
    address = sent[-1] if sent else {}
    record["postalAddress"] = {field: "" if address.get(field) is None else address[field] for field in ADDRESS_FIELDS}
    ways = [update.get("distribution") or {} for update in history]
    record["distribution"] = {
        "type": last([way.get("type") for way in ways], ""),
        "einvoiceCode": last([way.get("einvoiceCode") for way in ways], None),
    }
    return record

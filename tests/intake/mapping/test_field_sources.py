import pytest

from armrest.intake import InputRefused
from armrest.intake.mapping.field_sources import field_sources_of


def positions(columns: list[str]) -> dict[str, int | None]:
    return {leaf: field_source.position for leaf, field_source in field_sources_of(columns, source="a.csv").items()}


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("postalAddress.addressLine1", "addressLine1"),
        ("addressLine1", "addressLine1"),
        ("distributionType", "distributionType"),
        ("distribution.type", "distributionType"),
        ("distribution.einvoiceCode", "einvoiceCode"),
    ],
)
def test_a_column_is_named_with_or_without_its_group(column: str, field: str) -> None:
    assert positions(["customerNo", column]) == {"customerNo": 0, field: 1}


@pytest.mark.parametrize(
    ("column", "close"),
    [
        ("customerno", "customerNo"),
        ("phoneNumber", "phoneNo"),
        ("POSTALCODE", "postalCode"),
        ("Poststed", "cityName"),
        ("emailAddress", "emailAddressDocument"),
    ],
)
def test_an_unknown_column_is_refused_with_the_nearest_known_one(column: str, close: str) -> None:
    with pytest.raises(InputRefused) as refused:
        positions(["customerNo", column])

    assert (refused.value.code, refused.value.column) == ("unknown-column", column)
    assert f'unknown column "{column}" (the nearest known one is {close})' in refused.value.message


def test_a_column_that_no_update_can_carry_is_not_to_be_renamed() -> None:
    with pytest.raises(
        InputRefused, match=r'"clientNo" is shown by ARM, .*; leave it out, or use a mapping'
    ) as refused:
        positions(["customerNo", "clientNo"])

    assert refused.value.code == "unknown-column"


def test_an_unknown_column_in_the_place_of_the_customer_number_says_that_it_is_missing() -> None:
    with pytest.raises(InputRefused, match=r'"customerno" \(.* is customerNo\), and there is no column customerNo'):
        positions(["customerno"])


def test_a_missing_customer_number_is_refused() -> None:
    with pytest.raises(InputRefused, match="there is no column customerNo") as refused:
        positions(["name"])

    assert (refused.value.code, refused.value.column) == ("missing-column", "customerNo")


@pytest.mark.parametrize(
    "columns", [["customerNo", "name", "name"], ["customerNo", "postalCode", "postalAddress.postalCode"]]
)
def test_two_columns_for_one_field_are_refused(columns: list[str]) -> None:
    with pytest.raises(InputRefused, match="columns 2 and 3 both hold") as refused:
        positions(columns)

    assert refused.value.code == "column-twice"


def test_the_columns_that_a_rejects_file_adds_are_passed_over() -> None:
    assert positions(["customerNo", "_row", "_field", "_error"]) == {"customerNo": 0}

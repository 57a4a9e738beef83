import pytest

from armrest.intake.columns import KNOWN, fields_of
from armrest.intake.errors import InputRefused


def test_every_field_of_the_api_has_a_column() -> None:
    assert sorted(set(KNOWN.values())) == sorted(
        [
            "customerNo",
            "name",
            "customerCategory",
            "phoneNo",
            "organizationNo",
            "dateOfBirth",
            "sellerReference",
            "buyerReference",
            "addressLine1",
            "addressLine2",
            "addressLine3",
            "postalCode",
            "cityName",
            "countryText",
            "countryCode",
            "emailAddressDocument",
            "secondaryEmailAddress",
            "distributionType",
            "einvoiceCode",
        ]
    )


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
def test_a_group_s_field_is_named_with_or_without_its_group(column: str, field: str) -> None:
    assert fields_of(["customerNo", column], source="a.csv") == {"customerNo": 0, field: 1}


@pytest.mark.parametrize(
    ("column", "nearest"),
    [
        ("customerno", "customerNo"),
        ("phoneNumber", "phoneNo"),
        ("POSTALCODE", "postalCode"),
        ("email", "emailAddressDocument"),
        ("ssn", "einvoiceCode"),
    ],
)
def test_an_unknown_column_is_refused_with_the_nearest_known_one(column: str, nearest: str) -> None:
    with pytest.raises(InputRefused) as refused:
        fields_of(["customerNo", column], source="a.csv")

    assert refused.value.code == "unknown-column"
    assert refused.value.column == column
    assert f'"{column}"' in refused.value.message


def test_an_unknown_column_in_the_place_of_the_customer_number_says_that_it_is_missing() -> None:
    with pytest.raises(InputRefused, match=r'"customerno" \(.* is customerNo\), and there is no column customerNo'):
        fields_of(["customerno"], source="a.csv")


def test_a_column_without_a_name_is_refused() -> None:
    with pytest.raises(InputRefused, match="column 2 has no name"):
        fields_of(["customerNo", ""], source="a.csv")


def test_a_missing_customer_number_is_refused() -> None:
    with pytest.raises(InputRefused, match="there is no column customerNo") as refused:
        fields_of(["name"], source="a.csv")

    assert (refused.value.code, refused.value.column) == ("missing-column", "customerNo")


@pytest.mark.parametrize(
    "columns", [["customerNo", "name", "name"], ["customerNo", "postalCode", "postalAddress.postalCode"]]
)
def test_two_columns_for_one_field_are_refused(columns: list[str]) -> None:
    with pytest.raises(InputRefused, match="columns 2 and 3 both hold") as refused:
        fields_of(columns, source="a.csv")

    assert refused.value.code == "column-twice"


def test_the_columns_that_a_rejects_file_adds_are_passed_over() -> None:
    assert fields_of(["customerNo", "_row", "_field", "_error"], source="a.csv") == {"customerNo": 0}

import pytest

from armrest.intake.formats.headers.header_names import guess
from armrest.model import ADDRESS_FIELDS, FIELD_OF, FIELD_PATHS, FIELDS, KNOWN, nearest


def test_every_field_of_the_api_can_be_given() -> None:
    assert {FIELD_OF[leaf] for leaf in FIELD_PATHS} == {"customerNo", *FIELDS}
    assert set(ADDRESS_FIELDS) < set(FIELD_PATHS)
    assert set(KNOWN.values()) == set(FIELD_PATHS)


@pytest.mark.parametrize(
    ("name", "leaf"),
    [
        ("postalAddress.addressLine1", "addressLine1"),
        ("addressLine1", "addressLine1"),
        ("distributionType", "distributionType"),
        ("distribution.type", "distributionType"),
        ("distribution.distributionType", None),
        ("distribution.einvoiceCode", "einvoiceCode"),
        ("name.name", None),
    ],
)
def test_a_group_s_field_is_named_with_or_without_its_group(name: str, leaf: str | None) -> None:
    assert KNOWN.get(name) == leaf


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("POSTALCODE", KNOWN) == "postalCode"


@pytest.mark.parametrize(
    ("header", "leaf"),
    [
        ("Kundenr", "customerNo"), ("Kunde nr.", "customerNo"), ("KUNNR", "customerNo"), ("No.", "customerNo"),
        ("AccountNum", "customerNo"), ("Navn", "name"), ("NAME1", "name"), ("Mobil", "phoneNo"), ("Tlf.", "phoneNo"),
        ("Adresse 1", "addressLine1"), ("Adresse", "addressLine1"), ("STRAS", "addressLine1"),
        ("Adresse 2", "addressLine2"), ("Postnr", "postalCode"), ("Post Code", "postalCode"), ("PSTLZ", "postalCode"),
        ("Poststed", "cityName"), ("City", "cityName"), ("Landkode", "countryCode"), ("Land", "countryText"),
        ("E-post", "emailAddressDocument"), ("E-Mail", "emailAddressDocument"), ("Orgnr", "organizationNo"),
        ("Org.nr.", "organizationNo"), ("Fødselsdato", "dateOfBirth"), ("Vår ref", "sellerReference"),
        ("Deres ref.", "buyerReference"), ("Kundetype", "customerCategory"), ("Distribusjon", "distributionType"),
        ("eFaktura", "einvoiceCode"), ("postalAddress.cityName", "cityName"), ("Saldo", None), ("", None),
    ],
)  # fmt: skip
def test_headers_of_norwegian_and_english_systems_are_guessed(header: str, leaf: str | None) -> None:
    assert guess(header) == leaf

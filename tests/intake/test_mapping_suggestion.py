from collections.abc import Callable
from pathlib import Path

import pytest

from armrest.intake import InputRefused, Policy, Source, open_source, parse_mapping, suggest_mapping
from armrest.model import masked
from tests.intake.customers import TODAY
from tests.intake.reading import read

Open = Callable[..., Source]


@pytest.fixture
def guessed(tmp_path: Path) -> Callable[[str], str]:
    def guess(text: str) -> str:
        (tmp_path / "kunder.csv").write_text(text, encoding="utf-8")
        return suggest_mapping(str(tmp_path / "kunder.csv"))

    return guess


def test_what_is_written_runs_as_it_is(guessed: Callable[[str], str], tmp_path: Path) -> None:
    text = guessed(
        "Kundenr;Navn;Født;Mobil;Telefon;Adresse;Postnr;Poststed;Saldo: kr;Vår ref\n"
        "1;Kari;31.12.1980;91234567;;Gata 1;0155;Oslo;5;Per\n"
    )

    mapping, faults = parse_mapping(text)
    assert not faults
    customers, rejects = read(open_source(str(tmp_path / "kunder.csv"), mapping=mapping, policy=Policy(today=TODAY)))
    assert rejects == []
    assert customers[0] | {"postalAddress": {}} == {
        "customerNo": "1",
        "name": "Kari",
        "dateOfBirth": "1980-12-31",
        "phoneNo": "91234567",
        "sellerReference": "Per",
        "postalAddress": {},
    }
    assert "#   Telefon: phoneNo, which Mobil holds already" in text
    assert '#   "Saldo: kr"' in text
    assert '# {"customerNo": "1", "name": "Xxxx", "phoneNo": "99999999", "dateOfBirth": "9999-99-99"' in text


@pytest.mark.parametrize(
    ("codes", "countries", "is_proposed"),
    [
        (["155", "250", "5003", "7010"], None, True),
        (["155", "155", "5003", "7010"], None, False),
        (["155", "5003", "7010"], ["NO", "NO", "NO"], True),
        (["155", "5003", "7010"], ["Norge", "", "Norge"], True),
        (["155", "250", "5003", "7010", "2100"], ["", "", "", "", "DK"], True),
        (["2100", "8000", "101", "5000"], None, False),
        (["2100", "8000", "101", "5000"], ["", "", "", ""], False),
        (["2100", "8000", "101", "5000"], ["DK", "DK", "IS", "DK"], False),
        (["155", "250", "5003", "7010", "101"], ["NO", "NO", "NO", "NO", "Island"], False),
        (["0155", "250", "155", "7010"], None, False),
        (["101", "105", *["2100"] * 50], None, False),
    ],
)
def test_zeros_are_put_before_postal_codes_that_are_surely_norwegian(
    guessed: Callable[[str], str], codes: list[str], countries: list[str] | None, is_proposed: bool
) -> None:
    rows = zip(codes, countries or [""] * len(codes), strict=True)
    lines = "".join(f"{at},Kunde {at},Gata {at},{code},Sted,{country}\n" for at, (code, country) in enumerate(rows))

    text = guessed(f"Kundenr,Navn,Adresse,Postnr,Poststed,{'Land' if countries else 'Saldo'}\n{lines}")

    proposed = "  Postnr: {field: postalCode, as: pad(4)}   # check: are all short codes Norwegian?"
    assert (proposed in text) == ("pad(4)" in text) == is_proposed


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["31.12.1980", "1.2.1980"], "D.M.YYYY"),
        (["31.12.1980", "01.02.1980"], "DD.MM.YYYY"),
        (["12/31/1980", "02/01/1980"], "MM/DD/YYYY"),
    ],
)
def test_the_order_of_day_and_month_is_seen_where_it_can_be(
    guessed: Callable[[str], str], cells: list[str], form: str
) -> None:
    text = guessed("Nr,Fødselsdato\n" + "".join(f"{at},{cell}\n" for at, cell in enumerate(cells)))

    assert f"{{field: dateOfBirth, date: {form}}}" in text


@pytest.mark.parametrize("cells", ["19800131", "1980-01-31", "00000000", ""])
def test_what_begins_with_the_year_needs_no_date_format(guessed: Callable[[str], str], cells: str) -> None:
    assert "  Birthdate: dateOfBirth\n" in guessed(f"Nr,Birthdate\n1,{cells}\n")


def test_the_order_is_never_guessed(guessed: Callable[[str], str]) -> None:
    text = guessed("Nr,Birthdate\n1,01.02.1980\n")

    assert "#   Birthdate: dateOfBirth, but it is not clear whether day or month comes first" in text


def test_half_an_address_is_left_out(guessed: Callable[[str], str]) -> None:
    assert "#   Poststed: cityName, but an address needs addressLine1, postalCode, cityName" in guessed(
        "Nr,Poststed\n1,A\n"
    )


def test_without_customer_numbers_nothing_is_guessed(guessed: Callable[[str], str]) -> None:
    with pytest.raises(InputRefused, match="no column looks like customer numbers"):
        guessed("Navn,Saldo\nA,1\n")


def test_a_first_row_that_is_rejected_shows_no_sample(guessed: Callable[[str], str]) -> None:
    assert "# its row is rejected" in guessed("Nr,Navn\n1 1,A\n")


def test_masking_keeps_the_shape_and_the_codes_only() -> None:
    assert masked(
        {
            "customerNo": "10001",
            "name": "Kåre O'Hara",
            "emailAddressDocument": ["kari1@example.no"],
            "postalAddress": {"addressLine1": "Gata 1", "countryCode": "NO"},
            "distribution": {"type": "M", "einvoiceCode": 90},
        }
    ) == {
        "customerNo": "10001",
        "name": "Xxxx X'Xxxx",
        "emailAddressDocument": ["xxxx9@xxxxxxx.xx"],
        "postalAddress": {"addressLine1": "Xxxx 9", "countryCode": "NO"},
        "distribution": {"type": "M", "einvoiceCode": 90},
    }


def test_what_is_no_code_is_masked_where_codes_stand() -> None:
    shown = masked({"customerNo": "1", "customerCategory": "Kari", "distribution": {"type": "Gata 1"}})

    assert shown == {"customerNo": "1", "customerCategory": "Xxxx", "distribution": {"type": "Xxxx 9"}}


def test_a_clear_name_for_customer_numbers_goes_before_a_vague_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Nr;Kontonr;Kunde;Kundenr;Navn\n1;15061234567;Kari;10001;Kari\n", encoding="utf-8")

    text = suggest_mapping(str(tmp_path / "a.csv"))

    assert "  Kundenr: customerNo\n" in text
    assert "#   Kontonr: customerNo, which Kundenr holds\n" in text


def test_a_sample_with_an_odd_line_break_leaves_the_mapping_readable(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('Kundenr;Navn;"Vår\u2028ref"\n1;Kari\x85Moe;\u2028x\n', encoding="utf-8")

    mapping, faults = parse_mapping(suggest_mapping(str(tmp_path / "a.csv")))

    assert not faults
    assert list(mapping.columns) == ["Kundenr", "Navn", "V\u00e5r\u2028ref"]

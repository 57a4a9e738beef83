"""Another table that follows the customers without a gap, under headings that nobody knows."""

from collections.abc import Callable

import pytest

from armrest.intake import InputRefused, Source
from tests.intake.reading import read

Open = Callable[..., Source]
CUSTOMERS = [
    "10001;Testfirma Fjord AS;90000001;post@fjord.example;Oslo",
    "10002;Prøve Prøvesen;90000002;prove@test.example;Bergen",
    "10003;Kari Test;+47 900 00 003;kari@test.example;Oslo",
]
MORE = ["10004;Ola Test;90000004;ola@test.example;Bodø", "10005;Per Test;90000005;;Hamar"]
HEADER = "customerNo;name;phoneNo;emailAddressDocument;cityName"
MAPPING = "columns: {customerNo: customerNo, name: name, phoneNo: phoneNo, emailAddressDocument: emailAddressDocument}"


@pytest.mark.parametrize(
    "table",
    [
        ["Varekode;Beskrivelse;Pris;Enhet;Lager", "50001;Skrue;12,50;stk;A", "50002;Mutter;8,00;stk;B"],
        ["Prosjekt;Leder;Oppstart;Status;Sted", "P1001;Kari;2026-01-31;Åpen;Oslo", "P1002;Ola;2026-02-28;Lukket;Oslo"],
        ["Konto;Tekst;Type;Gruppe;Side", "1500;Kundefordringer;Eiendel;Omløp;D", "1920;Bank;Eiendel;Omløp;D"],
        ["Avdeling;Ansvarlig;;Kode;", "100001;Kari Test;;200;", "100002;Ola Test;;300;", "100003;Per Test;;400;"],
    ],
    ids=["prices", "dates", "words", "numbers where e-mail addresses were"],
)
@pytest.mark.parametrize("end", [[], ["", "Slutt;;;;"]], ids=["to the end", "and a footer"])
def test_another_table_without_a_gap_refuses_the_file(source: Open, table: list[str], end: list[str]) -> None:
    text = "\n".join([HEADER, *CUSTOMERS, *table, *end])

    with pytest.raises(InputRefused, match="row 5 looks like the header of another table") as refused:
        read(source(text, mapping=MAPPING))

    assert (refused.value.code, refused.value.rows) == ("second-table", (5,))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([*CUSTOMERS, "Ukjent;Kari Test;mangler;ingen;Oslo", *MORE], id="a customer described in words"),
        pytest.param([*CUSTOMERS, *MORE, "Ukjent;Kari Test;mangler;ingen;Tromsø"], id="and she is the last"),
        pytest.param([*CUSTOMERS, "Bedrift;Liste;Kontakt;Adresse;By", *MORE], id="a heading of a section"),
        pytest.param(
            [
                *CUSTOMERS,
                "Privat;Liste;Kontakt;Adresse;By",
                "P-20001;Kari;90000004;;Oslo",
                "P-20002;Ola;90000005;;Oslo",
            ],
            id="a section with other customer numbers",
        ),
        pytest.param(
            [*CUSTOMERS, "Privat;Liste;Kontakt;Adresse;By", "10004;7 Fjell AS;90000004;;Oslo", "10005;1881;;;Oslo"],
            id="names with digits",
        ),
        pytest.param(
            [*CUSTOMERS, "Ukjent;Kari Test;mangler;ingen;Oslo", "10004;Ola;ukjent;;Bodø"], id="one other row below"
        ),
        pytest.param(
            ["10001;A;90000001;;Oslo", "Ukjent;B;mangler;;Oslo", "1;C;ukjent;;", "2;D;ukjent;;"], id="few rows"
        ),
        pytest.param(
            [*CUSTOMERS, "Ukjent;Kari;mangler;;Oslo", "10006;Ola;ukjent;;Oslo", *MORE], id="others like those above"
        ),
        pytest.param(
            [*CUSTOMERS, "Ukjent;Kari;mangler;ingen;Oslo", "10004;Ola;;;Oslo", "10005;Per;;;Oslo"], id="emptier rows"
        ),
    ],
)
def test_a_list_is_not_refused_for_a_row_of_words(source: Open, rows: list[str]) -> None:
    customers, rejects = read(source("\n".join([HEADER, *rows]), mapping=MAPPING))

    assert len(customers) + len(rejects) == len(rows)

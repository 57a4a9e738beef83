"""Nothing of a header is quoted where the first row may be a customer's."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from armrest.intake import InputRefused, Policy, Source, parse_mapping, suggest_mapping
from armrest.intake.formats import BLANKS_AND_MARKS
from armrest.intake.formats.headers.column_names import ColumnNames
from tests.intake.formats.test_detect import excel, ndjson, parquet
from tests.intake.reading import read

Open = Callable[..., Source]
PEOPLE = [
    ["10001", "Kari Nordmann", "Storgata 1", "Oslo", "kari@example.no"],
    ["10002", "Ola Hansen", "Lillegata 2", "Bergen", ""],
]
PERSONAL = ("Kari", "Nordmann", "Ola", "Hansen", "gata", "example.no")
"""Of the people above; Oslo and Bergen are anybody's."""


def lines(rows: Iterable[Iterable[str]]) -> str:
    return "".join(";".join(row) + "\n" for row in rows)


def refused(call: Callable[[], Any]) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        call()
    said = f"{caught.value} {caught.value.column}"
    assert not [it for it in PERSONAL if it.casefold() in said.casefold()], said
    return caught.value


HEADERLESS = {
    "csv": lines(PEOPLE),
    "an e-mail first": lines([row[::-1] for row in PEOPLE]),
    "no digit in the first row": lines([["", "Kari Nordmann", "Storgata", "Oslo", "NO"], *PEOPLE]),
    "a country code": lines([["Kari Nordmann", "Oslo", "NO"], ["Ola Hansen", "Bergen", "NO"]]),
    "names alone": lines([["Kari Nordmann"], ["Ola Hansen"]]),
    "one row": lines([["Kari Nordmann", "Firma", "Oslo"]]),
    "excel": excel(PEOPLE),
    "parquet": parquet({cell: [PEOPLE[1][at]] for at, cell in enumerate(PEOPLE[0])}),
}


@pytest.mark.parametrize("data", HEADERLESS.values(), ids=HEADERLESS)
def test_a_file_without_a_header_is_refused_by_the_place_of_the_column(source: Open, data: str | bytes) -> None:
    no = refused(lambda: source(data))

    assert no.code == "unknown-column"
    assert "unknown column 1" in no.message or "unknown column 2" in no.message
    assert "put a header row above it" in no.message


@pytest.mark.parametrize("data", HEADERLESS.values(), ids=HEADERLESS)
def test_nor_is_it_quoted_under_a_mapping(source: Open, data: str | bytes) -> None:
    no = refused(lambda: source(data, mapping="columns: {Kundenr: customerNo, Navn: name}"))

    assert (no.code, 'there is no column "Kundenr"' in no.message) == ("missing-column", True)


@pytest.mark.parametrize("data", HEADERLESS.values(), ids=HEADERLESS)
def test_no_mapping_is_made_of_customers(data: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "kunder"
    path.write_bytes(data.encode() if isinstance(data, str) else data)

    assert refused(lambda: suggest_mapping(str(path))).code == "missing-column"


def test_a_folder_of_files_without_headers_quotes_none_of_them(tmp_path: Path, source: Open) -> None:
    (tmp_path / "parts").mkdir()
    for at, row in enumerate(PEOPLE):
        (tmp_path / "parts" / f"{at}.csv").write_text(lines([row]), encoding="utf-8")

    from armrest.intake import open_source

    assert refused(lambda: open_source(str(tmp_path / "parts"))).code == "unknown-column"


def test_a_nested_column_and_one_that_two_rows_disagree_in_are_not_quoted_either(source: Open) -> None:
    data = parquet({"10001": ["10002"], "Kari Nordmann": pa.array([{"first": "Ola"}])})
    mapping, _ = parse_mapping('columns: {"10001": customerNo}')
    assert mapping is not None
    twice = lines([["customerNo", "Kari 1"], ["1", "a"], ["1", "b"]])

    refused(lambda: source(data))
    no = refused(
        lambda: read(source(twice, mapping="columns: {customerNo: customerNo}", policy=Policy(duplicates="merge")))
    )

    assert "differ in column 2" in no.message


def test_what_a_mapping_leaves_out_is_named_by_its_place_where_it_holds_a_digit(source: Open) -> None:
    opened = source(
        "Kundenr;Saldo;Kari 91234567;kari@example.no;Tlf2\n1;2;3;4;5\n", mapping="columns: {Kundenr: customerNo}"
    )

    assert opened.unmapped == ("Saldo", "column 3", "column 4", "column 5")


def test_a_header_of_words_is_still_quoted(source: Open) -> None:
    with pytest.raises(InputRefused, match='unknown column "navnet"') as no:
        source("customerNo;navnet;addressLine1\n1;Kari;Storgata 1\n")

    assert no.value.column == "navnet"


@pytest.mark.parametrize(
    ("columns", "rows", "may_be"),
    [
        (["Kundenr", "Navn", "Adresse 1", "Saldo"], [["1", "Kari", "Gata 1", "0"]], False),
        (["Nr", "Etternavn"], [["1", "Hansen"]], False),
        (["Nr", "Etternavn"], [["NO", "Hansen"]], True),
        (["Navn", "Type"], [["Kari", "Type"]], True),
        (["Navn", "Type"], [["Navn", "Type"]], False),
        (["Kundenr", "Tlf 2"], [], True),
        (["Asiakasnumero", "Nimi"], [["1", "Kari"]], True),
    ],
)
def test_a_first_row_is_a_header_only_where_it_can_be_nothing_else(
    columns: list[str], rows: list[list[str]], may_be: bool
) -> None:
    assert ColumnNames(columns, beneath=lambda: rows).may_be_data is may_be


@pytest.mark.parametrize(
    "record",
    [
        {"Kari Nordmann": {"phoneNo": "91234567"}},
        {"Nordmann": None},
        {"customerNo": "1", "Kari Nordmann": "x"},
        {"customerNo": "1", "kari@example.no": "x"},
        {"customerNo": "1", "postalAddress": {"Storgata 1": "x"}},
        {"customerNo": "1", "Kari Nordmann": [1]},
        {"customerNo": "1", "nam\ud83d": "x"},
    ],
    ids=["keyed by customers", "one word", "a blank", "an address", "in a group", "nested", "half a character"],
)
def test_a_key_of_json_that_may_be_a_customer_s_is_not_quoted(source: Open, record: dict[str, Any]) -> None:
    no = refused(lambda: read(source(json.dumps(record) + "\n")))

    assert no.code == "unknown-column"
    assert no.message.encode()
    assert "row 1: its field" in no.message


def test_ndjson_is_read_as_before(source: Open) -> None:
    assert read(source(ndjson([{"customerNo": "1", "name": "Kari"}])))[0] == [{"customerNo": "1", "name": "Kari"}]


@pytest.mark.parametrize("mark", [*BLANKS_AND_MARKS, "\u202a \u200e"], ids=ascii)
def test_what_nobody_sees_around_a_cell_does_not_count_around_a_heading_either(mark: str, source: Open) -> None:
    written = f'customerNo,"{mark}name{mark}"\n10001,"{mark}Ola{mark}"\n'

    assert read(source(written)) == ([{"customerNo": "10001", "name": "Ola"}], [])


@pytest.mark.parametrize("mark", ["\u200b", "\u202a"], ids=ascii)
def test_a_mapping_that_was_written_with_what_nobody_sees_still_names_its_column(mark: str, source: Open) -> None:
    mapping = f'columns: {{Nr: customerNo, "{mark}Navn{mark}": name}}'

    assert read(source(f"Nr,{mark}Navn{mark}\n10001,Ola\n", mapping=mapping))[0] == [
        {"customerNo": "10001", "name": "Ola"}
    ]

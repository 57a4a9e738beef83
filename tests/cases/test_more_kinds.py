"""Files by somebody who had not seen the rules: what is sent of them, and what is found."""

from pathlib import Path

import pytest

from armrest.intake import InputRefused, Policy, Source, open_source, parse_mapping
from armrest.intake.mapping import Mapping as ColumnMapping

HEADER = "customerNo;name;addressLine1;postalCode;cityName;countryCode;phoneNo"
ROW = "{};Testfirma Fjord AS;Prøveveien 1;0155;Oslo;;90000001"


def source_of(tmp_path: Path, *lines: str, clear: str = "", mapping: ColumnMapping | None = None) -> Source:
    file = tmp_path / "kunder.csv"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return open_source(str(file), mapping=mapping, policy=Policy(clear=frozenset(filter(None, [clear]))))


def findings(source: Source) -> set[tuple[int, str, str]]:
    blocks = list(source.blocks())
    warnings = {(finding.row, finding.field, finding.code) for block in blocks for finding in block.warnings}
    return warnings | {(it.row, *fault) for block in blocks for it in block.rejects for fault in it.faults}


@pytest.mark.parametrize("odd", ["К-10023", "K–10026", "K10021", "10022"], ids=ascii)
def test_a_number_in_signs_that_only_look_like_the_others_is_found(tmp_path: Path, odd: str) -> None:
    numbers = [f"K-{10001 + index}" for index in range(20)]

    source = source_of(tmp_path, HEADER, *map(ROW.format, [*numbers, odd]))

    assert findings(source) == {(22, "customerNo", "unlike-the-others")}


def test_a_column_that_is_empty_in_every_row_blanks_nothing_and_is_named(tmp_path: Path) -> None:
    rows = [ROW.format(number).removesuffix("90000001") for number in range(10001, 10005)]

    source = source_of(tmp_path, HEADER, *rows, clear="phoneNo")

    assert ["phoneNo" in customer for block in source.blocks() for customer in block.customers] == [False] * 4
    assert source.description.endswith('phoneNo is not cleared: "phoneNo" is empty in every row')


def test_an_unknown_column_that_is_empty_in_every_row_needs_no_mapping(tmp_path: Path) -> None:
    rows = [ROW.format(number) for number in range(10001, 10005)]
    source = source_of(tmp_path, f"{HEADER};Saldo", *(f"{row};" for row in rows))

    assert sum(len(block.customers) for block in source.blocks()) == 4
    with pytest.raises(InputRefused, match='unknown column "Saldo"'):
        source_of(tmp_path, f"{HEADER};Saldo", *(f"{row};1" for row in rows))


def test_a_column_with_one_value_blanks_the_others(tmp_path: Path) -> None:
    rows = [ROW.format(10001), ROW.format(10002).removesuffix("90000001")]

    source = source_of(tmp_path, HEADER, *rows, clear="phoneNo")

    customers = [customer for block in source.blocks() for customer in block.customers]
    assert [customer.get("phoneNo") for customer in customers] == ["90000001", ""]


def test_what_follows_the_first_line_below_a_table_is_footer_too(tmp_path: Path) -> None:
    below = ["", "(2 rows affected)", "", "Completion time: 2026-11-28T02:00:00"]

    source = source_of(tmp_path, HEADER, ROW.format(10001), ROW.format(10002), *below)

    assert sum(len(block.customers) for block in source.blocks()) == 2
    assert source.footer == (5, 7)


def test_a_heading_may_be_longer_than_128_kib(tmp_path: Path) -> None:
    mapping, _ = parse_mapping("columns:\n  Kundenr: customerNo\n  Navn: name\n")

    source = source_of(tmp_path, f'Kundenr;Navn;"{"x" * 200_000}"', "10001;Testfirma Fjord AS;1", mapping=mapping)

    assert [block.customers[0]["customerNo"] for block in source.blocks()] == ["10001"]


def test_a_country_that_is_no_code_is_not_a_fault_of_the_phone_number(tmp_path: Path) -> None:
    source = source_of(tmp_path, HEADER, ROW.format(10001), ROW.format(10002).replace(";;9", ";Norge;9"))

    assert findings(source) == {(3, "countryCode", "not-a-country-code")}


@pytest.mark.parametrize("word", ["Mangler", "xxx", "ikke oppgitt"])
def test_a_word_for_nothing_is_no_name(tmp_path: Path, word: str) -> None:
    source = source_of(tmp_path, HEADER, ROW.format(10001), ROW.format(10002).replace("Testfirma Fjord AS", word))

    assert findings(source) == {(3, "name", "placeholder-name")}

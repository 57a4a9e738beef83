import gc
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.intake import Block, InputRefused, Policy, Source, open_source
from armrest.intake.errors import FAULTS
from armrest.intake.formats.text.csv_table import CsvTable
from armrest.intake.mapping.field_sources import field_sources_of
from armrest.intake.source_info import SourceInfo
from tests.intake.customers import COLUMNS, TODAY, cells_of, csv_of, tables
from tests.intake.reading import read, warnings

Open = Callable[..., Source]
CASES = Path(__file__).parents[1] / "cases" / "csv"


@given(
    table=tables,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    block_bytes=st.integers(1, 400),
)
def test_every_table_of_valid_customers_reads_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[Any], delimiter: str, encoding: str, block_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.csv"
    path.write_bytes(csv_of(map(cells_of, table), delimiter=delimiter).encode(encoding))
    csv_table = CsvTable(path.name, lambda: path.open("rb"), block_bytes=block_bytes)

    field_sources = field_sources_of(csv_table.columns, source=path.name)

    blocks = list(Source(SourceInfo(path.name, csv_table), field_sources, policy=Policy(today=TODAY)).blocks())

    assert [(r.row, r.faults, r.cells) for block in blocks for r in block.rejects] == []
    assert [customer for block in blocks for customer in block.customers] == table
    assert [row for block in blocks for row in block.row_numbers] == list(range(2, len(table) + 2))


def test_cells_stay_text(source: Open) -> None:
    customers, _ = read(
        source("customerNo,addressLine1,postalCode,cityName,einvoiceCode\n0010,Storgata 1,0010,Oslo,0\n")
    )

    assert customers[0]["customerNo"] == "0010"
    assert customers[0]["postalAddress"]["postalCode"] == "0010"
    assert customers[0]["distribution"] == {"einvoiceCode": 0}


def test_an_empty_cell_is_not_sent_and_blanks_around_a_cell_are_none_of_it(source: Open) -> None:
    customers, rejects = read(source("customerNo,name,phoneNo,emailAddressDocument\n 1 ,  , 91234567\t,;\n2,Kari,,\n"))

    assert customers == [{"customerNo": "1", "phoneNo": "91234567"}, {"customerNo": "2", "name": "Kari"}]
    assert rejects == []


def test_an_address_goes_whole_where_any_of_it_is_filled(source: Open) -> None:
    customers, _ = read(source("customerNo,addressLine1,postalCode,cityName\n1,,,Oslo\n2,,,\n"))

    assert customers == [
        {
            "customerNo": "1",
            "postalAddress": {
                "addressLine1": "", "addressLine2": "", "addressLine3": "", "postalCode": "", "cityName": "Oslo",
                "countryText": "", "countryCode": "",
            },
        },
        {"customerNo": "2"},
    ]  # fmt: skip


def test_a_file_that_would_blank_streets_is_refused(source: Open) -> None:
    with pytest.raises(InputRefused, match="row 3 fills cityName, but there is no addressLine1, postalCode") as no:
        read(source("customerNo,cityName\n1,\n2,Oslo\n"))

    assert (no.value.code, no.value.rows, no.value.column) == ("address-would-be-blanked", (3,), "cityName")


def test_an_address_column_that_is_never_filled_does_no_harm(source: Open) -> None:
    assert read(source("customerNo,cityName\n1,\n"))[0] == [{"customerNo": "1"}]


def test_rows_that_do_not_fit_are_rejected_and_do_not_stop_the_others(source: Open) -> None:
    customers, rejects = read(
        source("customerNo,dateOfBirth,countryCode\n1,1980-01-31,\n,1980-01-31,\n3,1980-02-30,\n4,,\n5 5,x,\n")
    )

    assert [one["customerNo"] for one in customers] == ["1", "4"]
    assert rejects == [
        (3, "customerNo", "missing"),
        (4, "dateOfBirth", "not-a-date"),
        (6, "customerNo", "blank-inside"),
    ]


def test_a_reject_names_all_that_is_wrong_with_its_row_and_no_value(source: Open) -> None:
    (block,) = source("customerNo,dateOfBirth,phoneNo\n7,1980-02-30,call Kari\n8,,\n").blocks()

    (reject,) = block.rejects
    assert reject.cells == ("7", "1980-02-30", "call Kari")
    assert (reject.customer_no, reject.fields) == ("7", "dateOfBirth, phoneNo")
    assert "phoneNo contains letters" in reject.sentence
    assert "dateOfBirth is not a date" in reject.sentence
    assert not re.search("1980|Kari", reject.sentence)


def test_what_the_rules_pass_and_the_models_refuse_is_rejected(source: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armrest.intake.rows.block_reader.checks_of", lambda *_, **__: ())

    (block,) = source("customerNo,name\n1,A\n2 2,B\n\n3,C\n").blocks()

    assert [one["customerNo"] for one in block.customers] == ["1", "3"]
    assert block.row_numbers == [2, 5]
    assert [(it.row, it.field, it.code) for it in block.rejects] == [(3, "customerNo", "does-not-fit")]


def test_a_row_that_the_models_refuse_moves_no_warning_to_another_row(
    source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armrest.intake.rows.block_reader.checks_of", lambda *_, **__: ())

    (block,) = source("customerNo,name\n,Nobody\n2 2,B\n3,C\n4,\n5,E\n").blocks()

    assert [it.row for it in block.rejects] == [2, 3]
    assert block.row_numbers == [4, 5, 6]
    assert [(it.row, it.code) for it in block.warnings] == [(5, "only-a-number")]


@pytest.mark.parametrize("word", ["Gj?st", "NULL", "true"])
def test_a_word_is_judged_though_thousands_of_rows_with_other_words_were_sound(source: Open, word: str) -> None:
    rows = [f"{number},Kari Nordmann,{'Privat' if number % 3 else 'Firma'}\n" for number in range(10_001, 26_001)]
    for at in (9_000, 15_000):
        rows[at] = f"{10_001 + at},Kari Nordmann,{word}\n"

    blocks = list(source(f"customerNo,name,customerCategory\n{''.join(rows)}").blocks())

    assert len(blocks) > 2
    assert [it.row for block in blocks for it in block.warnings] == [9_002, 15_002]


def test_blank_rows_are_no_rows(source: Open) -> None:
    (block,) = source("customerNo,name\n1,A\n\n , \n2,B\n,\n").blocks()

    assert (block.rows, block.row_numbers, block.rejects) == (2, [2, 5], [])


@pytest.mark.parametrize("text", ["customerNo,name\n", "customerNo,name", "customerNo,name\n\n,\n"])
def test_a_header_alone_is_refused(source: Open, text: str) -> None:
    with pytest.raises(InputRefused, match="a header, but no customers") as refused:
        read(source(text))

    assert refused.value.code == "header-only"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="there is no such file") as refused:
        open_source(str(tmp_path / "none.csv"))

    assert refused.value.code == "no-such-file"


def test_a_source_tells_what_it_is(source: Open) -> None:
    found = source("customerNo;name\n1;A\n")

    assert (found.name, found.description, found.text_bytes) == ("customers.csv", "CSV, UTF-8, semicolon", 20)
    assert (found.columns, found.delimiter, found.encoding) == (("customerNo", "name"), ";", "utf-8")


def test_reading_a_second_time_starts_from_the_first_row(source: Open) -> None:
    found = source("customerNo\n1\n")

    assert read(found) == read(found)


def test_garbage_collection_waits_and_goes_on_afterwards(source: Open) -> None:
    blocks = source("customerNo\n1\n").blocks()

    next(blocks)
    assert not gc.isenabled()
    blocks.close()  # type: ignore[attr-defined]
    assert gc.isenabled()


def test_a_refusal_survives_pickling() -> None:
    refused = InputRefused("a.csv: row 3: …", code="ragged", rows=(3,), column="name")

    again = pickle.loads(pickle.dumps(refused))

    assert (again.message, again.code, again.rows, again.column) == ("a.csv: row 3: …", "ragged", (3,), "name")
    assert str(again) == str(refused)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.csv")), ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """Each file beside what it gives: `customers` and `rejects`, or the `refused` code."""
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    try:
        customers, rejects = read(open_source(str(path), policy=Policy(today=TODAY)))
    except InputRefused as refused:
        found: dict[str, Any] = {"refused": refused.code, "rows": list(refused.rows)}
    else:
        found = {"customers": customers, "rejects": [list(it) for it in rejects]}

    assert found == expected


def test_every_fault_has_a_case() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))

    assert [code for code in FAULTS if f'"{code}"' not in tests] == []


def test_a_block_is_small(source: Open) -> None:
    rows = ([str(at), *[""] * (len(COLUMNS) - 1)] for at in range(60_000))

    blocks: list[Block] = list(source(csv_of(rows)).blocks())

    assert len(blocks) > 1


def test_two_headers_are_refused(source: Open) -> None:
    for text in (
        "customerNo,name\nKundenr,Navn\n1,A\n",
        "customerNo\ncustomerNo\n1\n",
    ):
        with pytest.raises(InputRefused, match="row 2 looks like a header") as refused:
            read(source(text))
        assert (refused.value.code, refused.value.rows) == ("two-headers", (2,))


def test_a_norwegian_country_code_is_no_header(source: Open) -> None:
    with pytest.raises(InputRefused, match='unknown column "saldo"') as refused:
        source("customerNo,name,countryCode,saldo\n1,A,NO,17\n")
    assert refused.value.code == "unknown-column"


def test_a_column_without_a_name_is_passed_over_while_it_is_empty(source: Open) -> None:
    assert read(source("customerNo;name;\n1;A;\n"))[0] == [{"customerNo": "1", "name": "A"}]

    with pytest.raises(InputRefused, match="column 3 has no name, but row 3 fills it") as refused:
        read(source("customerNo;name;\n1;A;\n2;B;x\n"))
    assert (refused.value.code, refused.value.rows) == ("unknown-column", (3,))


ADDRESSED = "customerNo,name,emailAddressDocument,cityName,postalCode,addressLine1,einvoiceCode,distributionType\n"


@pytest.mark.parametrize(
    ("clear", "sent"),
    [
        ((), {}),
        (("name",), {"name": ""}),
        (("emailAddressDocument",), {"emailAddressDocument": []}),
        (("distribution",), {"distribution": {"type": ""}}),
    ],
    ids=["keep", "a text", "a list", "a group"],
)
def test_an_empty_cell_keeps_or_clears_by_field(source: Open, clear: tuple[str, ...], sent: dict[str, Any]) -> None:
    opened = source(f"{ADDRESSED}1,,,,,,,\n", policy=Policy(clear=frozenset(clear)))

    assert read(opened)[0] == [{"customerNo": "1", **sent}]


def test_a_whole_address_is_cleared_where_that_is_the_policy(source: Open) -> None:
    (customer,), _ = read(source(f"{ADDRESSED}1,,,,,,,\n", policy=Policy(clear=frozenset({"postalAddress"}))))

    assert set(customer["postalAddress"].values()) == {""}


def test_a_column_that_is_missing_keeps_whatever_the_policy(source: Open) -> None:
    assert read(source("customerNo\n1\n", policy=Policy(clear=frozenset({"name", "postalAddress"}))))[0] == [
        {"customerNo": "1"}
    ]


def test_an_address_may_replace_what_is_not_in_the_file(source: Open) -> None:
    opened = source("customerNo,cityName,postalCode\n1,Oslo,\n2,,\n3,Bergen,5003\n", policy=Policy(address="replace"))

    assert read(opened)[0][0]["postalAddress"]["addressLine1"] == ""
    (block,) = opened.blocks()
    assert block.blanked["addressLine1"] == 2
    assert (block.blanked["postalCode"], block.blanked["cityName"]) == (1, 0)


def test_warnings_do_not_stop_a_row_and_name_no_value(source: Open) -> None:
    opened = source("customerNo,name,countryCode\n1,KÃ¥re,XX\n2,Ola,NO\n", policy=Policy(address="replace"))

    (block,) = opened.blocks()

    assert len(block.customers) == 2
    assert warnings(opened) == [(2, "name", "mojibake"), (2, "countryCode", "unknown-country")]
    assert block.warnings[0].customer_no == "1"
    assert "KÃ" not in block.warnings[0].sentence


def test_a_warning_can_be_made_an_error_and_an_error_a_warning(source: Open) -> None:
    policy = Policy(severities={"mojibake": "error", "letters-in-phone": "warning"})
    opened = source("customerNo,name,phoneNo\n1,KÃ¥re,\n2,Ola,call\n", policy=policy)

    assert read(opened)[1] == [(2, "name", "mojibake")]
    assert warnings(opened) == [(3, "phoneNo", "letters-in-phone")]

import gc
import json
import pickle
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.intake import Block, InputRefused, Source, open_source
from armrest.intake.blocks import BlockReader
from armrest.intake.csv_table import CsvTable
from armrest.intake.errors import FAULTS
from tests.intake.customers import COLUMNS, TODAY, cells_of, csv_of, tables

Open = Callable[..., Source]
CASES = Path(__file__).parents[1] / "cases" / "csv"


def read(source: Source) -> tuple[list[dict[str, Any]], list[tuple[int, str, str]]]:
    blocks = list(source.blocks())
    assert all(block.rows == len(block.customers) + len(block.rejects) for block in blocks)
    return (
        [dict(one) for block in blocks for one in block.customers],
        [(reject.row, reject.field, reject.code) for block in blocks for reject in block.rejects],
    )


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

    blocks = list(Source(path.name, csv_table, size_bytes=None, today=TODAY).blocks())

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
    with pytest.raises(
        InputRefused, match="row 3 fills cityName, but there is no column addressLine1, postalCode"
    ) as no:
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
    assert "phoneNo holds letters" in reject.sentence
    assert "dateOfBirth is not a date" in reject.sentence
    assert not re.search("1980|Kari", reject.sentence)


def test_what_the_rules_pass_and_the_models_refuse_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armrest.intake.blocks.rules_of", lambda *_, **__: ())
    table = CsvTable("a.csv", lambda: __import__("io").BytesIO(b"customerNo,name\n1,A\n2 2,B\n\n3,C\n"))

    block = BlockReader(table.columns, source="a.csv", today=TODAY).read(next(table.chunks()))

    assert [one["customerNo"] for one in block.customers] == ["1", "3"]
    assert block.row_numbers == [2, 5]
    assert [(it.row, it.field, it.code) for it in block.rejects] == [(3, "customerNo", "does-not-fit")]


def test_blank_rows_are_no_rows(source: Open) -> None:
    (block,) = source("customerNo,name\n1,A\n\n , \n2,B\n,\n").blocks()

    assert (block.rows, block.row_numbers, block.rejects) == (2, [2, 5], [])


@pytest.mark.parametrize("text", ["customerNo,name\n", "customerNo,name", "customerNo,name\n\n,\n"])
def test_a_header_alone_is_refused(source: Open, text: str) -> None:
    with pytest.raises(InputRefused, match="a header, but no customers") as refused:
        read(source(text))

    assert refused.value.code == "header-only"


def test_a_customer_twice_is_refused_with_both_rows_even_where_one_is_rejected(source: Open) -> None:
    with pytest.raises(InputRefused, match=r"customerNo a1 stands in rows 2 and 4, and 1 more") as refused:
        read(source("customerNo,phoneNo\na1,\nb,\nA1,call\nb,\n"))

    assert (refused.value.code, refused.value.rows) == ("duplicate-customer-no", (2, 4))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="there is no such file") as refused:
        open_source(str(tmp_path / "none.csv"))

    assert refused.value.code == "no-such-file"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        open_source(str(tmp_path))

    assert refused.value.code == "not-readable"


def test_a_source_tells_what_it_is(source: Open) -> None:
    found = source("customerNo;name\n1;A\n")

    assert (found.name, found.description, found.size_bytes) == ("customers.csv", "CSV, UTF-8, semicolon", 20)
    assert (found.columns, found.delimiter, found.encoding) == (("customerNo", "name"), ";", "utf-8")


def test_reading_a_second_time_starts_anew(source: Open) -> None:
    found = source("customerNo\n1\n")

    assert read(found) == read(found)


def test_garbage_collection_is_as_it_was(source: Open) -> None:
    for _ in source("customerNo\n1\n").blocks():
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
        customers, rejects = read(open_source(str(path), today=date(2026, 6, 1)))
    except InputRefused as refused:
        found: dict[str, Any] = {"refused": refused.code, "rows": list(refused.rows)}
    else:
        found = {"customers": customers, "rejects": [list(it) for it in rejects]}

    assert found == expected


def test_every_fault_has_a_case() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))

    assert [code for code in FAULTS if f'"{code}"' not in tests] == []


def test_a_block_is_small(source: Open) -> None:
    rows = ([str(at), *[""] * (len(COLUMNS) - 1)] for at in range(100_000))

    blocks: list[Block] = list(source(csv_of(rows)).blocks())

    assert len(blocks) > 2

import gzip
import io
import json
import os
import sqlite3
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape

import fsspec
import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from armrest.intake import Database, InputRefused, Policy, Source, open_source
from armrest.intake.formats.text.encoding_evidence import EncodingUnclear, encoding_of
from armrest.intake.locations.decompression import PIECE_BYTES, unzstd
from tests.generated import examples
from tests.intake.customers import COLUMNS, TODAY, cells_of, csv_of, tables
from tests.intake.ole import ole, xls
from tests.intake.reading import read, warnings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Open = Callable[..., Source]
TEXT = "customerNo,name\n0010,Kåre\n"
KARE = [{"customerNo": "0010", "name": "Kåre"}]


def excel(rows: Sequence[Sequence[object]], sheet: str = "Kunder") -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "default_date_format": "dd.mm.yyyy"}) as book:
        page = book.add_worksheet(sheet)
        for row, cells in enumerate(rows):
            for at, cell in enumerate(cells):
                if isinstance(cell, str):
                    page.write_string(row, at, cell)
                elif cell is not None:
                    page.write(row, at, cell)
    return data.getvalue()


def parquet(columns: dict[str, object]) -> bytes:
    data = io.BytesIO()
    pa.parquet.write_table(pa.table(columns), data)
    return data.getvalue()


def arrow(rows: Sequence[Sequence[str]]) -> pa.Table:
    return pa.table({name: list(cells) for name, cells in zip(COLUMNS, zip(*rows, strict=True), strict=True)})


def zipped(text: str, *more: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("folder/customers.csv", text)
        archive.writestr("__MACOSX/customers.csv", "x")
        for name in more:
            archive.writestr(name, text)
    return data.getvalue()


def ndjson(customers: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in customers)


def feather(rows: Sequence[Sequence[str]]) -> bytes:
    data = io.BytesIO()
    pa.feather.write_feather(arrow(rows), data)
    return data.getvalue()


def arrow_stream(rows: Sequence[Sequence[str]]) -> bytes:
    data, table = io.BytesIO(), arrow(rows)
    with pa.ipc.new_stream(data, table.schema) as stream:
        stream.write_table(table, max_chunksize=7)
    return data.getvalue()


def open_document(rows: Sequence[Sequence[str]]) -> bytes:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    lines = "".join(f"<table:table-row>{''.join(map(_open_document_cell, cells))}</table:table-row>" for cells in rows)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="Kunder">{lines}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return data.getvalue()


def _open_document_cell(cell: str) -> str:
    if not cell:
        return "<table:table-cell/>"
    return f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'


def excel_xml(rows: Sequence[Sequence[str]]) -> bytes:
    uri = "urn:schemas-microsoft-com:office:spreadsheet"
    lines = "".join(f"<Row>{''.join(map(_excel_xml_cell, cells))}</Row>" for cells in rows)
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{uri}" xmlns:ss="{uri}"><Worksheet ss:Name="Kunder"><Table>{lines}'
        "</Table></Worksheet></Workbook>"
    ).encode()


def _excel_xml_cell(cell: str) -> str:
    return f'<Cell><Data ss:Type="String">{escape(cell)}</Data></Cell>'


def of_rows(table: list[dict[str, Any]]) -> list[list[str]]:
    return [cells_of(one) for one in table]


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "csv": lambda table: csv_of(of_rows(table)).encode(),
    "cp1252 csv": lambda table: csv_of(of_rows(table), delimiter=";").encode("cp1252"),
    "utf-16 csv": lambda table: csv_of(of_rows(table), delimiter="|").encode("utf-16"),
    "utf-16 csv without BOM": lambda table: csv_of(of_rows(table), delimiter=";").encode("utf-16-be"),
    "tsv": lambda table: csv_of(of_rows(table), delimiter="\t").encode("utf-8-sig"),
    "gzip": lambda table: gzip.compress(csv_of(of_rows(table)).encode()),
    "zstd": lambda table: zstd.compress(csv_of(of_rows(table)).encode()),
    "zip": lambda table: zipped(csv_of(of_rows(table))),
    "excel": lambda table: excel([COLUMNS, *of_rows(table)]),
    "old excel": lambda table: ole({"Workbook": xls([COLUMNS, *of_rows(table)])}),
    "open document (as excel)": lambda table: open_document([COLUMNS, *of_rows(table)]),
    "excel xml": lambda table: excel_xml([COLUMNS, *of_rows(table)]),
    "parquet": lambda table: parquet(
        {name: list(cells) for name, cells in zip(COLUMNS, zip(*of_rows(table), strict=True), strict=True)}
    ),
    "feather": lambda table: feather(of_rows(table)),
    "arrow stream": lambda table: arrow_stream(of_rows(table)),
    "ndjson": lambda table: ndjson(table).encode(),
    "json": lambda table: json.dumps(table, indent=1).encode(),
    "batch body": lambda table: json.dumps({"metadata": {"userId": "ola"}, "customers": table}).encode(),
}


@pytest.mark.parametrize("form", WRITERS)
@settings(max_examples=examples(15))
@given(data=st.data())
def test_every_table_reads_back_from_every_format(
    tmp_path_factory: pytest.TempPathFactory, form: str, data: st.DataObject
) -> None:
    table = data.draw(tables)
    if form == "cp1252 csv":
        table = [one for one in table if _fits(one)]
        if not table or not _is_clear(WRITERS[form](table)):
            table = [{"customerNo": "Å1"}]
    if "excel" in form:
        table = [one for one in table if not _changed_by_excel(one)] or [{"customerNo": "1"}]
    path = tmp_path_factory.getbasetemp() / "table"
    path.write_bytes(WRITERS[form](table))

    customers, rejects = read(open_source(str(path), policy=Policy(today=TODAY)))

    assert rejects == []
    assert customers == table


@settings(max_examples=examples(15))
@given(table=tables)
def test_every_table_reads_back_from_a_database(
    tmp_path_factory: pytest.TempPathFactory, table: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"create table customers ({', '.join(f'{column} text' for column in COLUMNS)})")
        places = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"insert into customers values ({places})", of_rows(table))
    customers = {"crm": Database(f"sqlite:///{path}", "customers")}

    assert read(open_source("sql:crm", databases=customers, policy=Policy(today=TODAY))) == (table, [])


def _changed_by_excel(customer: dict[str, Any]) -> bool:
    """`_x0041_` is an escape in its files, and a postal code that looks as if it had lost a zero gets it back."""
    code = customer.get("postalAddress", {}).get("postalCode", "")
    return any("_x" in cell for cell in cells_of(customer)) or (code.isdecimal() and len(code) < 4)


def _is_clear(data: bytes) -> bool:
    """Random signs inside words look like another encoding, and are refused."""
    try:
        return encoding_of(io.BytesIO(data)).codec == "cp1252"
    except EncodingUnclear:
        return False


def _fits(customer: dict[str, Any]) -> bool:
    try:
        data = "".join(cells_of(customer)).encode("cp1252")
    except UnicodeEncodeError:
        return False
    try:
        return data.decode("utf-8") == ""
    except UnicodeDecodeError:
        return True


def test_the_format_is_found_whatever_the_file_is_called(source: Open) -> None:
    assert source(parquet({"customerNo": ["1"]}), "customers.csv").description == "Parquet"


@pytest.mark.parametrize(
    ("data", "times"),
    [(parquet({"customerNo": ["1"]}), 3), (gzip.compress(b"customerNo\n1\n"), 5), (b"customerNo\n1\n", 1)],
    ids=["parquet", "gzip", "csv"],
)
def test_how_large_a_source_is_goes_by_its_text(source: Open, data: bytes, times: int) -> None:
    assert source(data).text_bytes == times * len(data)


def test_a_source_without_names_of_its_own_has_a_rejects_file_that_excel_opens(source: Open) -> None:
    opened = source(parquet({"customerNo": ["1"]}))

    assert (opened.delimiter, opened.encoding) == (";", "utf-8-sig")


def test_excel_s_numbers_come_back_as_text(source: Open) -> None:
    rows = [
        ["customerNo", "phoneNo", "dateOfBirth", "addressLine1", "postalCode", "cityName", "countryCode"],
        [12345, 4791234567, datetime.fromisoformat("1980-01-31"), "Gata 1", 155, "Oslo", "NO"],
        [47000000000.0, "91234567", date(1980, 2, 1), "Gata 1", 155, "Oslo", ""],
        ["0010", None, None, None, None, None, None],
    ]
    opened = source(excel(rows))

    customers, rejects = read(opened)

    assert rejects == []
    assert [one["customerNo"] for one in customers] == ["12345", "47000000000", "0010"]
    assert [one.get("dateOfBirth") for one in customers] == ["1980-01-31", "1980-02-01", None]
    assert customers[0]["phoneNo"] == "4791234567"
    assert [one["postalAddress"]["postalCode"] for one in customers[:2]] == ["0155", "155"]
    assert (2, "postalCode", "zero-restored") in warnings(opened)
    assert opened.description == "Excel, sheet Kunder"


def test_an_old_workbook_is_read_like_a_new_one(source: Open) -> None:
    rows: list[list[str | float]] = [["customerNo", "phoneNo", "name"], [12345.0, 4791234567.0, "Kåre"]]

    assert read(source(ole({"Workbook": xls(rows)})))[0] == [
        {"customerNo": "12345", "phoneNo": "4791234567", "name": "Kåre"}
    ]


@pytest.mark.parametrize(
    "streams",
    [
        {"EncryptionInfo": b"\4\0\4\0", "EncryptedPackage": b"x" * 5000},
        {"Workbook": xls([["customerNo"], ["1"]], locked=True)},
    ],
    ids=["xlsx", "xls"],
)
def test_a_protected_workbook_is_refused(source: Open, streams: dict[str, bytes]) -> None:
    with pytest.raises(InputRefused, match="protected by a password") as refused:
        source(ole(streams))

    assert refused.value.code == "password"


def test_digits_that_excel_has_lost_are_found(source: Open) -> None:
    assert read(source(excel([["customerNo", "name"], [12345678901234567890, "A"], ["1", "B"]])))[1] == [
        (2, "customerNo", "scientific-notation")
    ]


def test_a_workbook_s_header_is_its_first_row_that_is_not_blank(source: Open) -> None:
    opened = source(excel([[], [None, None], [None, "customerNo"], [None, "1"], [], [None, "2"]]))

    assert [(block.row_numbers, block.rows) for block in opened.blocks()] == [([4, 6], 2)]


def test_a_sheet_is_chosen_by_the_mapping(source: Open, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Forside"
    page = book.create_sheet("Kunder")
    page.append(["Kundenr"])
    page.append(["7"])
    book.save(tmp_path / "book.xlsx")

    data = (tmp_path / "book.xlsx").read_bytes()
    assert read(source(data, mapping="sheet: Kunder\ncolumns: {Kundenr: customerNo}"))[0] == [{"customerNo": "7"}]
    with pytest.raises(InputRefused, match=r'no sheet "Kunde" .* "Kunder"') as refused:
        source(data, mapping="sheet: Kunde\ncolumns: {Kundenr: customerNo}")
    assert refused.value.code == "no-such-sheet"
    with pytest.raises(InputRefused, match='sheet "Forside" is empty') as refused:
        source(data)
    assert refused.value.code == "empty"
    with pytest.raises(InputRefused, match="not a workbook") as refused:
        source(TEXT, mapping="sheet: Kunder\ncolumns: {customerNo: customerNo}")
    assert refused.value.code == "no-such-sheet"


def test_typed_columns_come_as_text(source: Open) -> None:
    opened = source(
        parquet(
            {
                "customerNo": pa.array([10001, 10002]),
                "name": pa.array(["Kari", None]).dictionary_encode(),
                "dateOfBirth": pa.array([date(1980, 1, 31), None]),
                "organizationNo": pa.array([974760673.0, None]),
                "sellerReference": pa.array([Decimal("12.00"), Decimal("0.50")]),
                "emailAddressDocument": pa.array([["a@example.no", "b@example.no"], []]),
                "einvoiceCode": pa.array([90, None], pa.int8()),
                "buyerReference": pa.array([datetime(1980, 1, 31, tzinfo=UTC), None]),
            }
        )
    )

    customers, rejects = read(opened)

    assert rejects == []
    assert customers == [
        {
            "customerNo": "10001",
            "name": "Kari",
            "dateOfBirth": "1980-01-31",
            "organizationNo": "974760673",
            "sellerReference": "12",
            "emailAddressDocument": ["a@example.no", "b@example.no"],
            "distribution": {"einvoiceCode": 90},
            "buyerReference": "1980-01-31",
        },
        {"customerNo": "10002", "sellerReference": "0.50"},
    ]


def test_a_nested_column_is_refused_where_a_text_is_expected(source: Open) -> None:
    data = parquet({"customerNo": ["1"], "name": pa.array([{"first": "Kari"}])})

    with pytest.raises(InputRefused, match='column "name" holds bytes or nested values') as refused:
        source(data)
    assert refused.value.code == "nested"
    assert read(source(data, mapping="columns: {customerNo: customerNo}"))[0] == [{"customerNo": "1"}]


def test_in_json_nothing_is_kept_and_a_blank_is_sent(source: Open) -> None:
    customers = [
        {"customerNo": "1", "name": "", "phoneNo": None, "secondaryEmailAddress": []},
        {"customerNo": "2", "postalAddress": None, "distribution": {"type": "", "einvoiceCode": None}},
        {"customerNo": 3, "postalAddress": {"addressLine1": "", "postalCode": "", "cityName": ""}},
    ]

    assert read(source(ndjson(customers)))[0] == [
        {"customerNo": "1", "name": "", "secondaryEmailAddress": []},
        {"customerNo": "2", "distribution": {"type": ""}},
        {
            "customerNo": "3",
            "postalAddress": dict.fromkeys(
                [
                    "addressLine1",
                    "addressLine2",
                    "addressLine3",
                    "postalCode",
                    "cityName",
                    "countryText",
                    "countryCode",
                ],
                "",
            ),
        },
    ]


def test_half_an_address_in_json_is_refused_unless_it_shall_replace(source: Open) -> None:
    text = ndjson([{"customerNo": "1"}, {"customerNo": "2", "postalAddress": {"cityName": "Oslo"}}])

    with pytest.raises(InputRefused, match="row 2 fills cityName, but there is no addressLine1, postalCode") as refused:
        read(source(text))
    assert refused.value.code == "address-would-be-blanked"
    assert read(source(text, policy=Policy(address="replace")))[0][1]["postalAddress"]["cityName"] == "Oslo"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ('{"customerNo": "1"}\n{"customerNo": ', "damaged", "row 2"),
        ('[{"customerNo": "1"}, {"customerNo": "2"}', "damaged", "row 3"),
        ('{"customerNo": "1"}\n[1]\n', "nested", "row 2"),
        ('{"customerNo": "1", "nmae": "A"}', "unknown-column", "nearest known one is name"),
        ('{"customerNo": "1", "cityName": "A"}', "unknown-column", "nearest known one is postalAddress.cityName"),
        ('{"customerNo": "1", "name": {"first": "A"}}', "nested", "row 1: name"),
        ('{"customerNo": "1", "name": [1]}', "nested", "row 1: name"),
        ('{"customerNo": "1"}\n{"name": ' + "[" * 65 + "]" * 65 + "}", "nested", "row 2: nested deeper than 64"),
        ('{"customerNo": "1"}\n' + "[" * 100_000 + "]" * 100_000, "nested", "row 2: nested deeper than 64"),
        ('[{"customerNo": "1"},' + '{"a":' * 2000, "nested", "row 2: nested deeper than 64"),
        (b'{"customerNo": "\xe6"}', "bad-encoding", "not UTF-8"),
    ],
    ids=[
        "cut line",
        "cut array",
        "no object",
        "unknown",
        "not in its group",
        "object",
        "list",
        "too deep",
        "bottomless",
        "bottomless and cut",
        "cp1252",
    ],
)
def test_json_that_cannot_be_taken_is_refused_saying_where(source: Open, text: str, code: str, place: str) -> None:
    with pytest.raises(InputRefused, match=place) as refused:
        read(source(text))

    assert refused.value.code == code


@pytest.mark.parametrize("form", ["ndjson", "json", "batch body"])
def test_half_a_character_rejects_its_row_and_stops_nobody(source: Open, form: str) -> None:
    table = [{"customerNo": "1", "name": "Kari \ud83d"}, {"customerNo": "2\udfff"}, {"customerNo": "3", "name": "😀"}]
    texts = {
        "ndjson": "".join(json.dumps(one) + "\n" for one in table),
        "json": json.dumps(table),
        "batch body": json.dumps({"customers": table}),
    }

    opened = source(texts[form])
    (block,) = opened.sealed_blocks(b"k" * 32)

    assert [(it.row, it.field, it.code, it.customer_no) for it in block.rejects] == [
        (1, "name", "unreadable-text", "1"),
        (2, "customerNo", "unreadable-text", None),
    ]
    assert len(block.row_numbers) == 1


def test_json_is_read_piece_by_piece(source: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armrest.intake.formats.json_table.BLOCK_BYTES", 3)
    table = [{"customerNo": str(at), "name": "æ{},[]"} for at in range(20)]

    for text in (ndjson(table), json.dumps(table), json.dumps({"customers": table})):
        assert read(source(text))[0] == table


@pytest.fixture
def databases(tmp_path: Path) -> dict[str, Database]:
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table customers (customerNo text, name text, einvoiceCode integer, ssn text)")
        connection.executemany(
            "insert into customers values (?, ?, ?, ?)", [("0010", "Kåre", 90, "x"), ("2", None, 0, "x")]
        )
    url = f"sqlite:///{path}"
    query = "select customerNo, name, einvoiceCode from customers where customerNo != ':x'"
    return {
        "crm": Database(url, query),
        "table": Database(url, "customers"),
        "broken": Database(url, "select secret from nowhere"),
        "wrong": Database("nosuch://kari:hemmelig@host/db", "customers"),
    }


def test_a_query_is_a_source(databases: dict[str, Database]) -> None:
    opened = open_source("sql:crm", databases=databases)

    assert (opened.name, opened.description, opened.text_bytes) == ("sql:crm", "SQL", None)
    assert read(opened)[0] == [
        {"customerNo": "0010", "name": "Kåre", "distribution": {"einvoiceCode": 90}},
        {"customerNo": "2", "distribution": {"einvoiceCode": 0}},
    ]


def test_a_table_is_a_source(databases: dict[str, Database]) -> None:
    assert open_source_columns("sql:table", databases) == ("customerNo", "name", "einvoiceCode", "ssn")


def open_source_columns(source: str, databases: dict[str, Database]) -> tuple[str, ...]:
    from armrest.intake import Mapping

    mapping = Mapping(columns={"customerNo": "customerNo"})
    return open_source(source, databases=databases, mapping=mapping).columns


@pytest.mark.parametrize(
    ("name", "code"), [("broken", "query-failed"), ("wrong", "query-failed"), ("none", "no-such-file")]
)
def test_a_query_that_fails_is_refused_without_saying_secrets(
    databases: dict[str, Database], name: str, code: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        open_source(f"sql:{name}", databases=databases)

    assert refused.value.code == code
    assert "hemmelig" not in refused.value.message
    assert "hemmelig" not in repr(databases)


@pytest.mark.parametrize("name", ["folder", "folder/*.csv"], ids=["folder", "glob"])
def test_a_folder_is_read_as_one_file_after_the_other(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b.csv").write_text("name;customerNo\nPer;3\ncall;4 4\n")
    (folder / "a.csv").write_text("customerNo,name\n1,Kari\n\n2,Ola\n")
    (folder / "_SUCCESS").write_text("")
    (folder / ".hidden.csv").write_text("x")

    opened = open_source(str(tmp_path / name))
    blocks = list(opened.blocks())

    assert [one["customerNo"] for block in blocks for one in block.customers] == ["1", "2", "3"]
    assert [opened.place(row) for block in blocks for row in block.row_numbers] == ["a.csv:2", "a.csv:4", "b.csv:2"]
    assert [opened.place(reject.row) for block in blocks for reject in block.rejects] == ["b.csv:3"]
    assert blocks[1].rejects[0].cells == ("4 4", "call")
    assert opened.description == "2 files, CSV, UTF-8, comma"


def test_a_customer_in_two_files_of_a_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("customerNo\n1\n2\n")
    (tmp_path / "b.csv").write_text("customerNo\n3\n1\n")

    with pytest.raises(InputRefused, match=r"is in rows a\.csv:2 and b\.csv:3"):
        read(open_source(str(tmp_path)))


def test_files_with_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("customerNo\n1\n")
    (tmp_path / "b.csv").write_text("customerNo,name\n3,A\n")

    with pytest.raises(InputRefused, match=r"b.csv: its columns are not those of a.csv \(name\)"):
        open_source(str(tmp_path))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        open_source(str(tmp_path))

    assert refused.value.code == "no-such-file"


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TEXT.encode())))

    opened = open_source("-")

    assert opened.name == "standard input"
    assert read(opened)[0] == read(opened)[0] == KARE


def test_any_fsspec_address_is_a_source() -> None:
    with fsspec.open("memory://inbox/customers.csv", "wb") as file:
        file.write(TEXT.encode())
    with fsspec.open("memory://inbox/more.csv", "wb") as file:
        file.write(b"customerNo,name\n2,B\n")

    assert read(open_source("memory://inbox/customers.csv"))[0] == KARE
    assert len(read(open_source("memory://inbox"))[0]) == 2
    assert len(read(open_source("memory://inbox/*.csv"))[0]) == 2


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("memory://kari:hemmelig@host/none.csv", "memory://host/none.csv: there is no such file"),
        ("nosuch://kari:hemmelig@host/a.csv", "nosuch://host/a.csv: unknown kind of URL"),
    ],
    ids=["not there", "unknown kind"],
)
def test_an_address_that_cannot_be_read_is_refused_without_saying_secrets(address: str, message: str) -> None:
    with pytest.raises(InputRefused) as refused:
        open_source(address)

    assert refused.value.message.startswith(message)
    assert "hemmelig" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "package"), [("sftp://host/a.csv", "paramiko"), ("abfs://inbox/a.csv", "adlfs")], ids=["sftp", "abfs"]
)
def test_a_package_that_an_address_needs_is_named(monkeypatch: pytest.MonkeyPatch, address: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(InputRefused, match=f"not installed; pip install {package}"):
        open_source(address)


def test_a_file_without_rights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.csv").write_text(TEXT)
    monkeypatch.setattr(Path, "open", denied)

    with pytest.raises(InputRefused, match="you may not read it"):
        open_source(str(tmp_path / "a.csv"))


def test_plain_names_are_looked_up_in_the_inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.csv").write_text(TEXT)
    (tmp_path / "b.csv").write_text("customerNo\n7\n")
    monkeypatch.chdir(tmp_path)

    assert read(open_source("a.csv", inbox=tmp_path / "inbox"))[0] == KARE
    assert read(open_source("b.csv", inbox=tmp_path / "inbox"))[0] == [{"customerNo": "7"}]
    assert read(open_source("inbox/a.csv", inbox=tmp_path / "inbox"))[0] == KARE


def test_a_source_tells_when_it_was_written(source: Open, tmp_path: Path) -> None:
    source(TEXT)
    os.utime(tmp_path / "customers.csv", (0, 86400))

    assert open_source(str(tmp_path / "customers.csv")).modified_at == datetime(1970, 1, 2, tzinfo=UTC)


def test_a_small_zstd_file_is_unpacked_piece_by_piece() -> None:
    packed = zstd.compress(bytes(8 * PIECE_BYTES))

    assert len(packed) < PIECE_BYTES / 100
    assert max(map(len, unzstd(lambda: io.BytesIO(packed)))) <= PIECE_BYTES


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (gzip.compress(TEXT.encode())[:-12], "damaged"),
        (b"\x1f\x8b" + b"x" * 50, "damaged"),
        (zstd.compress(TEXT.encode() * 100)[:-4], "damaged"),
        (zipped(TEXT)[:-30], "damaged"),
        (zipped(TEXT, "more.csv"), "not-readable"),
        (zipped(TEXT).replace(b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1"), "password"),
        (excel([["customerNo"], ["1"]])[:-500], "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "damaged"),
        (parquet({"customerNo": ["1"]})[:-20], "damaged"),
        (b"PAR1", "damaged"),
    ],
    ids=[
        "gz cut",
        "gz garbage",
        "zst cut",
        "zip cut",
        "zip of two",
        "zip locked",
        "xlsx cut",
        "xls garbage",
        "parquet cut",
        "PAR1",
    ],
)
def test_a_damaged_file_is_refused(source: Open, data: bytes, code: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read(source(data))

    assert refused.value.code == code
    assert "\n" not in refused.value.message

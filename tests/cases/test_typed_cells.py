"""One contract for typed cells: a bool, a date or a number is the same text in every source, judged by the same rules.

A frame is stricter in one thing: it refuses floats, because the program that made it can read the column again as text.
"""

import io
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from armrest.intake import Database, InputRefused, Policy, Source, open_source, parse_mapping, write_frame
from tests.cases.test_cases import flat
from tests.intake.customers import TODAY

Record = Mapping[str, Any]


def open_path(path: Path) -> Source:
    return open_source(str(path), policy=Policy(today=TODAY))


def columns_of(record: Record) -> dict[str, list[Any]]:
    return {field: [value] for field, value in record.items()}


def in_parquet(record: Record, path: Path) -> Source:
    pq.write_table(pa.table(columns_of(record)), path)
    return open_path(path)


def in_arrow(record: Record, path: Path) -> Source:
    table = pa.table(columns_of(record))
    with path.open("wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    return open_path(path)


def in_frame(make: Callable[[dict[str, list[Any]]], Any]) -> Callable[[Record, Path], Source]:
    def source(record: Record, path: Path) -> Source:
        with path.open("wb") as file:
            write_frame(make(columns_of(record)), file, name="frame")
        return open_path(path)

    return source


def in_json(record: Record, path: Path) -> Source:
    nested = {"distribution": {"einvoiceCode": record["einvoiceCode"]}} if "einvoiceCode" in record else {}
    plain = {field: value for field, value in record.items() if field != "einvoiceCode"}
    path.write_text(json.dumps([plain | nested]), encoding="utf-8")
    return open_path(path)


def in_workbook(record: Record, path: Path) -> Source:
    with xlsxwriter.Workbook(path, {"default_date_format": "dd.mm.yyyy"}) as book:
        sheet = book.add_worksheet()
        form = book.add_format({"num_format": "hh:mm:ss"})
        for column, (field, value) in enumerate(record.items()):
            sheet.write(0, column, field)
            sheet.write(1, column, value, *([form] if isinstance(value, time) else []))
    return open_path(path)


def in_open_document(record: Record, path: Path) -> Source:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    rows = "".join(
        f"<table:table-row>{''.join(cells)}</table:table-row>"
        for cells in (map(open_document_cell, record), map(open_document_cell, record.values()))
    )
    path.write_text(
        f'<?xml version="1.0"?><office:document {names} '
        'office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body><office:spreadsheet>'
        f'<table:table table:name="Kunder">{rows}</table:table></office:spreadsheet></office:body></office:document>',
        encoding="utf-8",
    )
    return open_path(path)


def open_document_cell(value: object) -> str:
    if isinstance(value, bool):
        kind = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, (int, float, Decimal)):
        kind = f'office:value-type="float" office:value="{value}"'
    elif isinstance(value, (date, datetime)):
        kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
    else:
        kind = f'office:value-type="{"time" if isinstance(value, time) else "string"}"'
    return f"<table:table-cell {kind}><text:p>{value}</text:p></table:table-cell>"


def in_database(record: Record, path: Path) -> Source:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"create table customers ({', '.join(record)})")
        values = [float(value) if isinstance(value, Decimal) else value for value in record.values()]
        connection.execute(f"insert into customers values ({', '.join('?' * len(values))})", values)
    return open_source(
        "sql:crm", policy=Policy(today=TODAY), databases={"crm": Database(f"sqlite:///{path}", "customers")}
    )


SOURCES: dict[str, tuple[Callable[[Record, Path], Source], tuple[type, ...]]] = {
    "parquet": (in_parquet, (bool, int, float, Decimal, date, datetime, time, bytes)),
    "arrow": (in_arrow, (bool, int, float, Decimal, date, datetime, time, bytes)),
    "pandas": (in_frame(pd.DataFrame), (bool, int, float, Decimal, date, datetime, bytes)),
    "polars": (in_frame(pl.DataFrame), (bool, int, float, Decimal, date, datetime, bytes)),
    "arrow frame": (in_frame(pa.table), (bool, int, float, Decimal, date, datetime, bytes)),
    "json": (in_json, (bool, int, float)),
    "xlsx": (in_workbook, (bool, int, float, date, datetime, time)),
    "ods": (in_open_document, (bool, int, float, date, datetime, time)),
    "sql": (in_database, (int, float, bytes)),
}
"""How a record becomes a source, and the types that the source has."""
FRAMES = frozenset({"pandas", "polars", "arrow frame"})

CONTRACT: list[tuple[str, object, str]] = [
    ("customerNo", 10001, "10001"),
    ("customerNo", 10001.0, "10001"),
    ("customerNo", Decimal("10001.00"), "10001"),
    ("customerNo", 10001.5, "customerNo decimal-number"),
    ("customerNo", 4.7e18, "customerNo scientific-notation"),
    ("customerNo", True, "customerNo not-a-customer-number"),
    ("customerNo", date(2026, 3, 4), "customerNo not-a-customer-number"),
    ("customerNo", b"10001", "nested"),
    ("name", True, "name not-a-name"),
    ("name", date(2026, 3, 4), "name not-a-name"),
    ("name", datetime.fromisoformat("2026-03-04T10:30:15"), "name not-a-name"),
    ("name", time(10, 30), "name not-a-name"),
    ("name", 4711, "name not-a-text"),
    ("name", 0.25, "name not-a-text"),
    ("name", b"Kari", "nested"),
    ("buyerReference", False, "buyerReference not-a-text"),
    ("buyerReference", date(2026, 3, 4), "buyerReference not-a-text"),
    ("buyerReference", 0, "buyerReference not-a-text"),
    ("buyerReference", 4711, "4711"),
    ("buyerReference", 4.7e18, "buyerReference scientific-notation"),
    ("phoneNo", 91234567, "91234567"),
    ("phoneNo", True, "phoneNo letters-in-phone"),
    ("organizationNo", 974760673, "974760673"),
    ("organizationNo", date(2026, 3, 4), "organizationNo not-an-organisation-number"),
    ("dateOfBirth", date(1980, 1, 31), "1980-01-31"),
    ("dateOfBirth", datetime.fromisoformat("1980-01-31"), "1980-01-31"),
    ("dateOfBirth", datetime.fromisoformat("1980-01-31T12:30:00"), "dateOfBirth not-a-date"),
    ("dateOfBirth", 29251, "dateOfBirth not-a-date"),
    ("emailAddressDocument", True, "emailAddressDocument not-an-email"),
    ("einvoiceCode", 90, "90"),
    ("einvoiceCode", 0.5, "einvoiceCode not-a-whole-number"),
]
"""A field, a typed value, and the text that is sent, or the rule that finds it, or the code of the refusal."""
CASES = [
    pytest.param(name, field, value, expected, id=f"{name} {field} {value!r}")
    for name, (_, types) in SOURCES.items()
    for field, value, expected in CONTRACT
    if type(value) in types
]


def expected_of(name: str, field: str, value: object, expected: str) -> str:
    if name in FRAMES and type(value) is float and field != "einvoiceCode":
        return "float-numbers"
    return expected


@pytest.mark.parametrize(("name", "field", "value", "expected"), CASES)
def test_a_typed_cell_is_the_same_text_everywhere_and_found_by_the_same_rule(
    name: str, field: str, value: object, expected: str, tmp_path: Path
) -> None:
    record = {"customerNo": "10001", "name": "Testfirma Fjord AS", field: value}

    assert outcome(SOURCES[name][0], record, field, tmp_path / "source") == expected_of(name, field, value, expected)


def outcome(source_of: Callable[[Record, Path], Source], record: Record, field: str, path: Path) -> str:
    """The text that is sent, or the first finding, or the code of the refusal."""
    try:
        (block,) = source_of(record, path).blocks()
    except InputRefused as refusal:
        return refusal.code
    faults = [fault for reject in block.rejects for fault in reject.faults]
    findings = [*faults, *((warning.field, warning.code) for warning in block.warnings)]
    return " ".join(findings[0]) if findings else str(flat(dict(block.customers[0]))[field])


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_a_moment_is_the_day_of_its_own_time_zone(name: str, tmp_path: Path) -> None:
    midnight = pd.Timestamp("1980-01-31", tz="Europe/Oslo").to_pydatetime()
    kind = pa.timestamp("us", "Europe/Oslo")
    table = pa.table({"customerNo": ["10001"], "dateOfBirth": pa.array([midnight], kind)})
    data = io.BytesIO()
    if name == "parquet":
        pq.write_table(table, data)
    else:
        with pa.ipc.new_stream(data, table.schema) as stream:
            stream.write_table(table)
    (tmp_path / "source").write_bytes(data.getvalue())

    (block,) = open_path(tmp_path / "source").blocks()

    assert [customer["dateOfBirth"] for customer in block.customers] == ["1980-01-31"]


def test_a_column_that_no_field_needs_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "source"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table customers (customerNo, name, photo)")
        connection.execute("insert into customers values ('10001', 'Testfirma Fjord AS', x'ff00')")
    databases = {"crm": Database(f"sqlite:///{path}", "customers")}

    with pytest.raises(InputRefused, match='unknown column "photo"'):
        open_source("sql:crm", databases=databases)
    databases = {"crm": Database(f"sqlite:///{path}", "select customerNo, name, photo from customers")}
    mapping, _ = parse_mapping("columns: {customerNo: customerNo, name: name}")

    (block,) = open_source("sql:crm", databases=databases, mapping=mapping).blocks()

    assert [customer["name"] for customer in block.customers] == ["Testfirma Fjord AS"]


def test_bytes_below_the_first_rows_reject_their_row(tmp_path: Path) -> None:
    path = tmp_path / "source"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table customers (customerNo, name)")
        connection.executemany("insert into customers values (?, ?)", [(str(n), "Kari") for n in range(200)])
        connection.execute("insert into customers values ('999', x'ff00')")

    source = open_source("sql:crm", databases={"crm": Database(f"sqlite:///{path}", "customers")})

    rejects = [reject for block in source.blocks() for reject in block.rejects]
    assert [(reject.row, reject.field, reject.code) for reject in rejects] == [(202, "name", "error-cell")]


@pytest.mark.parametrize("first", [0, 200], ids=["first rows", "below"])
def test_a_null_or_a_value_without_text_in_one_list_leaves_the_other_lists_as_they_are(
    tmp_path: Path, first: int
) -> None:
    sqlite3.register_converter("text_list", json.loads)
    path = tmp_path / "source"
    lists = ['["Kari", "Test"]', '["Kari", null]', "[null]", *(['[{"a": 1}]'] if first else []), '["Ola"]']
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table customers (customerNo text, name text_list)")
        connection.executemany("insert into customers values (?, ?)", [(f"1{n:04}", '["Per"]') for n in range(first)])
        connection.executemany("insert into customers values (?, ?)", [(f"2{n:04}", it) for n, it in enumerate(lists)])
    database = Database(f"sqlite:///{path}?detect_types={sqlite3.PARSE_DECLTYPES}", "customers")

    blocks = list(open_source("sql:crm", databases={"crm": database}).blocks())

    names = [customer.get("name") for block in blocks for customer in block.customers if customer["customerNo"] >= "2"]
    rejects = [reject.faults for block in blocks for reject in block.rejects]
    assert names == ["Kari;Test", "Kari", None, "Ola"]
    assert rejects == [(("name", "error-cell"),)] * (first > 0)

"""Frames of every kind give the same customers, and what a frame spoils is refused by its name."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import armrest
from tests.facade.conftest import CLIENT_NO, customers

COLUMNS = {
    "customerNo": ["10001", "10002", "10003"],
    "name": ["Kari Nordmann", None, "Ola"],
    "phoneNo": [None, "+4791234567", "+4791234568"],
    "dateOfBirth": [dt.date(1990, 1, 1), None, dt.date(1985, 12, 31)],
}
BODY = [
    {"customerNo": "10001", "name": "Kari Nordmann", "dateOfBirth": "1990-01-01"},
    {"customerNo": "10002", "phoneNo": "+4791234567"},
    {"customerNo": "10003", "name": "Ola", "phoneNo": "+4791234568", "dateOfBirth": "1985-12-31"},
]


class Stream:
    """What any library offers that speaks Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


KINDS: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "pandas-nullable": lambda: pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas-arrow": lambda: pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
    "pandas-objects": lambda: pd.DataFrame(COLUMNS, dtype=object),
    "pandas-categories": lambda: pd.DataFrame(COLUMNS).astype({"name": "category", "phoneNo": "category"}),
    "pandas-timestamps": lambda: pd.DataFrame(COLUMNS).assign(
        dateOfBirth=pd.to_datetime(pd.Series(["1990-01-01", None, "1985-12-31"]))
    ),
    "pandas-oslo-midnights": lambda: pd.DataFrame(COLUMNS).assign(
        dateOfBirth=pd.to_datetime(pd.Series(["1990-01-01", None, "1985-12-31"])).dt.tz_localize("Europe/Oslo")
    ),
    "pandas-whole-numbers": lambda: pd.DataFrame(COLUMNS).assign(customerNo=[10001, 10002, 10003]),
    "pandas-decimals": lambda: pd.DataFrame(COLUMNS).assign(
        customerNo=[Decimal("10001.00"), Decimal(10002), Decimal(10003)]
    ),
    "pandas-sliced": lambda: pd.concat([customers(5), pd.DataFrame(COLUMNS)]).iloc[5:],
    "polars": lambda: pl.DataFrame(COLUMNS),
    "polars-categories": lambda: pl.DataFrame(COLUMNS).with_columns(pl.col("name").cast(pl.Categorical)),
    "arrow-table": lambda: pa.table(COLUMNS),
    "arrow-batch": lambda: pa.table(COLUMNS).to_batches()[0],
    "arrow-reader": lambda: pa.table(COLUMNS).to_reader(max_chunksize=2),
    "arrow-stream": lambda: Stream(pa.table(COLUMNS)),
}


def sent(connection: armrest.Connection, home: Path, plan: armrest.Plan) -> list[dict[str, Any]]:
    """The customers of the only body of a plan."""
    (file,) = (home / "bodies" / plan.plan_id).glob("*.bodies")
    return list(json.loads(file.read_bytes())["customers"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_frame_gives_the_same_customers(
    kind: str, connection: armrest.Connection, tmp_path: Path
) -> None:
    plan = connection.plan(KINDS[kind](), client_no=CLIENT_NO)

    assert sent(connection, tmp_path / "home", plan) == BODY


def test_no_copy_of_a_frame_is_left_behind(connection: armrest.Connection, tmp_path: Path) -> None:
    connection.plan(customers(3), client_no=CLIENT_NO)
    connection.check(customers(3))
    connection.verify(customers(3), client_no=CLIENT_NO)
    with pytest.raises(armrest.InputRefused):
        connection.plan(customers(3, phoneNo=1.5), client_no=CLIENT_NO)

    assert list((tmp_path / "home" / "frames").iterdir()) == []


PITFALLS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "no customerNo": (lambda: pd.DataFrame({"name": ["Kari"]}), "missing-column", "there is no column customerNo"),
    "empty": (lambda: customers(0), "header-only", "the frame has no rows"),
    "float ids": (
        lambda: customers(3).assign(customerNo=[10001, None, 10003]),
        "float-numbers",
        'frame: column "customerNo" (row 2) holds floating point numbers: one missing value makes all numbers',
    ),
    "float phones in polars": (
        lambda: pl.DataFrame({"customerNo": ["1", "2"], "phoneNo": [None, 91234567.0]}),
        "float-numbers",
        'column "phoneNo" (row 3) holds floating',
    ),
    "floats turned into texts": (
        lambda: customers(2, phoneNo=["91234567.0", None]),
        "float-numbers",
        'column "phoneNo" (row 2) has a number that ends in .0',
    ),
    "gaps turned into texts": (
        lambda: customers(2, phoneNo=["91234567", "nan"]),
        "missing-as-text",
        'column "phoneNo" (row 3) has a cell that spells out a missing value',
    ),
    "an index": (
        lambda: customers(2).set_index("customerNo"),
        "index-holds-field",
        "customerNo is the frame's index, not a column; make it one: frame.reset_index()",
    ),
    "an index without a name": (
        lambda: pd.DataFrame({"name": ["Kari"]}, index=["10001"]),
        "missing-column",
        'if its index holds the customer numbers: frame.rename_axis("customerNo").reset_index()',
    ),
    "numbers that are too large": (
        lambda: customers(1).assign(customerNo=pd.Series([10**25], dtype=object)),
        "nested",
        'column "customerNo" holds a value of type int that cannot be written as text',
    ),
    "a series": (lambda: pd.Series(["10001"], name="customerNo"), "no-frame", "pass series.to_frame()"),
    "a series of polars": (lambda: pl.Series("customerNo", ["10001"]), "no-frame", "pass series.to_frame()"),
    "numbers among texts": (
        lambda: customers(3).assign(customerNo=["10001", 10002, "A-3"]),
        "mixed-types",
        'column "customerNo" mixes numbers and texts, first in row 3',
    ),
    "numbers in one block, texts in the next": (
        lambda: customers(12_000).assign(
            customerNo=pd.Series([*range(1, 11_001), *map(str, range(1000))], dtype=object)
        ),
        "mixed-types",
        'column "customerNo" mixes numbers and texts',
    ),
    "two columns of one name": (
        lambda: pd.DataFrame([["1", "Kari", "Ola"]], columns=["customerNo", "name", "name"]),
        "column-twice",
        "columns 2 and 3 both hold name",
    ),
    "moments for dates": (
        lambda: customers(1, dateOfBirth=pd.to_datetime(["1989-12-31T23:00Z"])),
        "moment-for-date",
        'column "dateOfBirth" (row 2) holds moments in a time zone that are not midnight there',
    ),
    "columns without names": (
        lambda: pd.DataFrame([["1", "Kari"]]),
        "unknown-column",
        "column 1 has a name of type int, not a text",
    ),
    "levels of columns": (
        lambda: pd.DataFrame([["1"]], columns=pd.MultiIndex.from_tuples([("a", "customerNo")])),
        "unknown-column",
        "its columns have several levels",
    ),
    "bytes": (lambda: customers(1, phoneNo=[b"91234567"]), "nested", "holds bytes, not texts"),
    "objects": (
        lambda: customers(1, phoneNo=[object()]),
        "nested",
        "a value of type object in row 2",
    ),
    "a list for one value": (
        lambda: customers(1, phoneNo=[["91234567", "91234568"]]),
        "nested",
        "holds list<item: string>",
    ),
    "nested": (lambda: customers(1, phoneNo=[{"a": "b"}]), "nested", "holds struct<a: string>, not texts"),
    "a query": (
        lambda: pl.LazyFrame(COLUMNS),
        "no-frame",
        "pass its result: frame.collect()",
    ),
    "a list": (lambda: [{"customerNo": "1"}], "no-frame", "the source is a list, not a frame"),
    "a number": (lambda: 3, "no-frame", "the source has the type int"),
}


@pytest.mark.parametrize("pitfall", PITFALLS)
def test_a_pitfall_of_frames_is_refused_by_its_name(pitfall: str, connection: armrest.Connection) -> None:
    frame, code, message = PITFALLS[pitfall]

    with pytest.raises(armrest.InputRefused) as refused:
        connection.plan(frame(), client_no=CLIENT_NO)

    assert refused.value.code == code
    assert message in refused.value.message
    assert "Kunde" not in refused.value.message


def test_a_reader_that_was_read_is_refused(connection: armrest.Connection) -> None:
    reader = pa.table(COLUMNS).to_reader()
    connection.plan(reader, client_no=CLIENT_NO)

    with pytest.raises(armrest.InputRefused, match="can be read only once"):
        connection.plan(reader, client_no=CLIENT_NO)


def test_a_column_that_is_only_gaps_sends_nothing_of_it(connection: armrest.Connection, tmp_path: Path) -> None:
    plan = connection.plan(customers(1, phoneNo=float("nan")), client_no=CLIENT_NO)

    assert sent(connection, tmp_path / "home", plan) == [{"customerNo": "10001", "name": "Kunde 10001"}]


def test_columns_that_the_mapping_leaves_out_are_not_stored(connection: armrest.Connection, tmp_path: Path) -> None:
    mapping = tmp_path / "crm.yaml"
    mapping.write_text("columns:\n  id: customerNo\n  navn: name\n", encoding="utf-8")
    frame = pd.DataFrame({"id": ["1"], "navn": ["Kari"], "balance": [17.5], "note": [object()]})

    plan = connection.plan(frame, client_no=CLIENT_NO, mapping=mapping, name="crm")

    assert sent(connection, tmp_path / "home", plan) == [{"customerNo": "1", "name": "Kari"}]
    assert plan.figures.unmapped == ["balance", "note"]
    assert plan.summary.source == "crm"

import io
import tracemalloc
import zipfile
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armrest.intake import InputRefused
from armrest.intake.formats.workbooks.excel_stream import PAGE_TEXTS, PAGES_IN_MEMORY, SharedTexts
from armrest.intake.formats.workbooks.excel_table import ExcelTable
from armrest.intake.table_options import TableOptions
from tests.generated import examples
from tests.intake.customers import COLUMNS, cells_of, tables
from tests.intake.formats.test_detect import excel

Rows = list[tuple[str, ...]]


def rows_of(data: bytes) -> tuple[tuple[str, ...], Rows]:
    table = ExcelTable("customers.xlsx", lambda: io.BytesIO(data))
    return table.columns, [chunk.record(at) for chunk in table.chunks() for at in range(len(chunk))]


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> Iterable[None]:
    """Every workbook is a large one."""
    monkeypatch.setattr("armrest.intake.formats.workbooks.excel_stream.LARGE_BYTES", 0)


def both(data: bytes) -> tuple[Any, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("armrest.intake.formats.workbooks.excel_stream.LARGE_BYTES", 0)
        large = rows_of(data)
    return rows_of(data), large


@settings(max_examples=examples(15))
@given(table=tables)
def test_a_large_workbook_reads_as_a_small_one_does(table: list[dict[str, Any]]) -> None:
    small, large = both(excel([COLUMNS, *map(cells_of, table)]))

    assert large == small


CELLS = [
    12345, 4791234567, 47000000000.0, 12.5, 1e15, 12345678901234567890, 0, -7, True, False, None, "", " a ",
    "0010", "a\nb", "=1+1", "Kåre & <Ola>", date(1980, 1, 31), datetime.fromisoformat("1980-01-31T12:30:15"),
]  # fmt: skip


def test_typed_cells_of_a_large_workbook_come_as_the_same_text() -> None:
    small, large = both(excel([[], ["customerNo", "name"], *([at, cell] for at, cell in enumerate(CELLS)), [], [1]]))

    assert large == small
    assert ("1", "4791234567") in large[1]


def test_texts_with_formats_inside_are_read_and_how_they_are_spoken_is_not(streamed: None) -> None:
    item = "<si><r><t>Kå</t></r><r><rPr><b/></rPr><t>re</t></r><rPh sb='0' eb='1'><t>spoken</t></rPh></si>"
    data = _with_part(excel([["customerNo", "name"], ["1", "Kåre"]]), "<si><t>Kåre</t></si>", item)

    assert rows_of(data) == (("customerNo", "name"), [("1", "Kåre")])


def test_a_large_workbook_that_says_all_is_in_its_first_cell_is_read_whole(streamed: None) -> None:
    data = _with_part(excel([["customerNo", "name"], ["1", "A"]]), 'ref="A1:B2"', 'ref="A1"')

    assert rows_of(data) == (("customerNo", "name"), [("1", "A")])


def test_a_cell_beyond_the_columns_is_refused_with_its_row(streamed: None) -> None:
    with pytest.raises(InputRefused, match="row 3 fills column 3, which has no name") as refused:
        rows_of(excel([["customerNo", "name"], ["1", "A"], ["2", "B", "x"]]))

    assert (refused.value.code, refused.value.rows) == ("unknown-column", (3,))


def test_a_large_workbook_that_breaks_off_is_refused(streamed: None) -> None:
    with pytest.raises(InputRefused, match="not a readable workbook") as refused:
        rows_of(_with_part(excel([["customerNo"], ["1"], ["2"]]), "</sheetData>", "<row"))

    assert refused.value.code == "damaged"


def test_a_sheet_that_is_not_there_is_named(streamed: None) -> None:
    data = excel([["customerNo"], ["1"]])

    with pytest.raises(InputRefused, match=r'no sheet "Kunde" .* "Kunder"'):
        ExcelTable("book.xlsx", lambda: io.BytesIO(data), TableOptions(sheet="Kunde"))


def test_most_of_the_shared_texts_are_not_in_memory() -> None:
    many = 4 * PAGES_IN_MEMORY * PAGE_TEXTS
    tracemalloc.start()
    try:
        texts = SharedTexts(f"{at:0100}" for at in range(many))
        assert all(int(texts[at]) == at for at in range(0, many, 100))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < many * 100 / 2


@given(reads=st.lists(st.integers(0, 3 * PAGE_TEXTS), min_size=1, max_size=20))
def test_shared_texts_are_found_in_any_order(reads: list[int]) -> None:
    texts = SharedTexts(str(at) for at in range(3 * PAGE_TEXTS + 1))

    assert [texts[at] for at in reads] == [str(at) for at in reads]
    with pytest.raises(IndexError):
        texts[3 * PAGE_TEXTS + 1]


@pytest.mark.parametrize(
    "endless", [b'<row r="2"><c r="A2" t="inlineStr"><is><t>', b'<row r="2"><c r="A2" s="'], ids=["text", "attribute"]
)
def test_an_endless_node_is_refused_without_being_in_memory(endless: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(excel([["customerNo"]]))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            with archive.open(name, "w") as file:
                file.write(part.partition(b"</sheetData>")[0] + endless if name.endswith("sheet1.xml") else part)
                for _ in range(80 if name.endswith("sheet1.xml") else 0):
                    file.write(b"x" * (1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(InputRefused, match="not a readable workbook") as refused:
            rows_of(packed.getvalue())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert refused.value.code == "damaged"
    assert peak < 40_000_000


def test_two_cells_far_apart_cost_no_memory_for_what_is_between_them() -> None:
    far = '<row r="1000000"><c r="XFD1000000"/></row></sheetData>'
    data = _with_part(excel([["customerNo", "name"], ["1", "A"]]), "</sheetData>", far)

    assert rows_of(data)[1][0] == ("1", "A")


@pytest.mark.parametrize(
    "row", ['<row r="1048577"/>', '<row r="1"/>', '<row r="3"><c r="ZZZZ3"/></row>', '<row r="3"><c r="3"/></row>']
)
def test_a_sheet_with_impossible_places_is_refused(streamed: None, row: str) -> None:
    data = _with_part(excel([["customerNo"], ["1"]]), "</sheetData>", f"{row}</sheetData>")

    with pytest.raises(InputRefused, match="not a readable workbook"):
        rows_of(data)


def _with_part(data: bytes, old: str, new: str) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(changed, "w") as other:
        assert any(old.encode() in archive.read(name) for name in archive.namelist())
        for name in archive.namelist():
            other.writestr(name, archive.read(name).replace(old.encode(), new.encode()))
    return changed.getvalue()

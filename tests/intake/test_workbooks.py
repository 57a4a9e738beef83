"""What a person sees of a workbook is what is read: visible sheets, and no error cell taken for an empty one."""

import io
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from armrest.intake import InputRefused, Source
from armrest.intake.formats.workbooks.excel_table import ExcelTable
from tests.intake.formats.workbooks.test_excel_stream import both
from tests.intake.ole import ole, xls
from tests.intake.reading import read

Open = Callable[..., Source]
BINARY = Path(__file__).parents[1] / "cases" / "xlsb" / "kunder.xlsb"
ERRORS = ("#REF!", "#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#VALUE!")
HEADER = ["customerNo", "addressLine1", "postalCode", "cityName"]


def workbook(*sheets: tuple[str, str, Sequence[Sequence[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, state, rows in sheets:
        page = book.create_sheet(name)
        page.sheet_state = state
        for row in rows:
            page.append(list(row))
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


@pytest.fixture(params=["in memory", "as a stream"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both readers."""
    if request.param == "as a stream":
        monkeypatch.setattr("armrest.intake.formats.workbooks.excel_stream.LARGE_BYTES", 0)
    return str(request.param)


def test_an_error_cell_rejects_its_row_and_blanks_no_street(source: Open, either: str) -> None:
    rows = [[str(at), error, "0155", "Oslo"] for at, error in enumerate(ERRORS, start=1)]
    data = workbook(("Kunder", "visible", [HEADER, *rows, ["99", "Storgata 1", "0155", "Oslo"]]))

    customers, rejects = read(source(data))

    assert [one["customerNo"] for one in customers] == ["99"]
    assert rejects == [(row, "addressLine1", "error-cell") for row in range(2, 2 + len(ERRORS))]


def test_both_readers_give_the_same_for_error_cells() -> None:
    small, large = both(
        workbook(("Kunder", "visible", [HEADER, ["1", "#REF!", None, "Oslo"], [2, "Gata", 155, "#N/A"]]))
    )

    assert small == large
    assert small[1] == [("1", "#REF!", "", "Oslo"), ("2", "Gata", "155", "#N/A")]


def _old(*cells: bytes) -> bytes:
    """An old workbook of one row under a header, with these records in it."""
    book = xls([["customerNo", "name"], ["1"]])
    end = struct.pack("<HH", 0x0A, 0)
    assert book.endswith(end)
    return ole({"Workbook": book.removesuffix(end) + b"".join(cells) + end})


def _bool_err(row: int, column: int, value: int, *, is_error: bool) -> bytes:
    return struct.pack("<HHHHHBB", 0x205, 8, row, column, 0, value, is_error)


def _formula(row: int, column: int, value: int) -> bytes:
    result = struct.pack("<BBB3sH", 2, 0, value, b"", 0xFFFF)
    return struct.pack("<HHHHH", 0x06, 22, row, column, 0) + result + bytes(8)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (_bool_err(1, 1, 0x17, is_error=True), "#REF!"),
        (_bool_err(1, 1, 0x2A, is_error=True), "#N/A"),
        (_formula(1, 1, 0x07), "#DIV/0!"),
        (_bool_err(1, 1, 1, is_error=False), "true"),
    ],
)
def test_an_error_cell_of_an_old_workbook_is_found(cell: bytes, text: str) -> None:
    table = ExcelTable("kunder.xls", lambda: io.BytesIO(_old(cell)))

    assert [chunk.record(0) for chunk in table.chunks()] == [("1", text)]


def test_an_error_cell_below_and_beside_all_others_is_found_too() -> None:
    data = _old(_bool_err(3, 0, 0x17, is_error=True))

    (chunk,) = ExcelTable("kunder.xls", lambda: io.BytesIO(data)).chunks()

    assert [chunk.record(at) for at in range(len(chunk))][-1] == ("#REF!", "")


def test_the_first_visible_sheet_is_read_and_that_is_said(source: Open, either: str) -> None:
    data = workbook(
        ("Mal", "hidden", [["customerNo", "name"], ["99999", "MODELL"]]),
        ("Koder", "veryHidden", [["customerNo", "name"], ["99998", "MODELL"]]),
        ("Kunder", "visible", [["customerNo", "name"], ["10001", "Kari"]]),
    )

    opened = source(data)

    assert read(opened)[0] == [{"customerNo": "10001", "name": "Kari"}]
    assert opened.description == "Excel, sheet Kunder (the first visible one; hidden, not read: Mal, Koder)"


def test_a_hidden_sheet_is_read_where_the_mapping_names_it_and_that_is_said(source: Open, either: str) -> None:
    data = workbook(("Mal", "hidden", [["Nr"], ["7"]]), ("Kunder", "visible", [["Nr"], ["8"]]))

    opened = source(data, mapping="sheet: Mal\ncolumns: {Nr: customerNo}")

    assert read(opened)[0] == [{"customerNo": "7"}]
    assert opened.description == "Excel, sheet Mal (which is hidden; not read: Kunder)"


def test_a_workbook_whose_sheets_are_all_hidden_is_refused(source: Open, either: str) -> None:
    data = workbook(("Mal", "hidden", [["customerNo"], ["7"]]), ("Kunder", "visible", [["customerNo"], ["8"]]))
    data = _with_all_hidden(data)

    with pytest.raises(InputRefused, match="all of its sheets are hidden; unhide one") as refused:
        source(data)

    assert refused.value.code == "no-such-sheet"


def _with_all_hidden(data: bytes) -> bytes:
    import zipfile

    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(changed, "w") as other:
        for name in archive.namelist():
            part = archive.read(name)
            other.writestr(name, part.replace(b'state="visible"', b'state="hidden"') if "workbook" in name else part)
    return changed.getvalue()


def test_hidden_and_filtered_rows_are_read_and_that_is_said(source: Open, either: str) -> None:
    book = openpyxl.Workbook()
    page = book.active
    for row in (["customerNo", "name"], ["1", "Kari"], ["2", "Ola"], ["3", "Per"]):
        page.append(row)
    page.auto_filter.ref = "A1:B4"
    for row in (3, 4):
        page.row_dimensions[row].hidden = True
    data = io.BytesIO()
    book.save(data)

    opened = source(data.getvalue())

    assert opened.description == "Excel, sheet Sheet (hidden or filtered rows, which are read, too: 2)"
    assert len(read(opened)[0]) == 3


def test_the_sheets_that_are_not_read_are_named(source: Open, either: str) -> None:
    rows = [["customerNo"], ["7"]]
    data = workbook(("Kunder", "visible", rows), *((f"Ark{number}", "visible", rows) for number in range(7)))

    assert source(data).description == "Excel, sheet Kunder (not read: Ark0, Ark1, Ark2, Ark3, Ark4 and 2 more)"


def test_a_binary_workbook_is_refused_and_not_read_in_part(source: Open) -> None:
    with pytest.raises(InputRefused, match=r"a binary workbook \(.xlsb\); open it in Excel and save it as .xlsx") as no:
        source(BINARY.read_bytes(), "kunder.xlsb")

    assert no.value.code == "binary-workbook"


def test_an_old_workbook_that_cannot_be_looked_through_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise IndexError

    monkeypatch.setattr("armrest.intake.formats.workbooks.old_workbook._records", broken)
    data = _old(_bool_err(1, 1, 0x17, is_error=True))

    with pytest.raises(InputRefused, match="not a readable workbook") as refused:
        ExcelTable("kunder.xls", lambda: io.BytesIO(data))

    assert refused.value.code == "damaged"

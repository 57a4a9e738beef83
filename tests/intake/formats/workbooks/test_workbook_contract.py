"""One contract for every reader of a spreadsheet: the same cells give the same texts, those that a person sees.

The readers are python-calamine, our stream of .xlsx, OpenDocument, Excel's XML of 2003, and the old .xls.
"""

import io
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from xml.sax.saxutils import escape, quoteattr

import pytest
import xlsxwriter

from armrest.intake.formats.workbooks.excel_table import ExcelTable
from armrest.intake.rules.validators import is_error_cell
from tests.intake.ole import ole, record, xls

Value = str | float | bool | datetime | timedelta | None


@dataclass(frozen=True)
class Cell:
    """A cell: its value, its number format, and the text that a person reads in it."""

    value: Value
    text: str
    form: str = "General"
    struck: bool = False


DAY = "dd.mm.yyyy"
CELLS = [
    Cell(12345.0, "12345"),
    Cell(10.0, "00010", "00000"),
    Cell(123456.0, "123456", "00000"),
    Cell(10.0, "K-0010", '"K-"0000'),
    Cell(10006.0, "10006 A", '0" A"'),
    Cell(10006.0, "K2-10006", '"K2-"0'),
    Cell(10006.0, "10-006", "#-###"),
    Cell(10.5, "10.5 A", '0.0" A"'),
    Cell(30.0, "30.0x", '0.0"x"'),
    Cell(30.25, "30.3x", '0.0"x"'),
    Cell(10006.7, "10007 A", '0" A"'),
    Cell(10.4, "K-10", '"K-"0'),
    Cell(12.25, "00012.3x", '00000.0"x"'),
    Cell(12345.0, "12.3k", '0.0,"k"'),
    Cell(3.14159, "3.14 A", '0.##" A"'),
    Cell(12.0, "1A2", '#"A"#'),
    Cell(-5.5, "-6 A", '0" A"'),
    Cell(-30.25, "30.3y", '0.0"x";0.0"y"'),
    Cell(0.0, "tom", '"ja";"nei";"tom"'),
    Cell(-12.0, "-12", '"kr" 0;("kr" 0)'),
    Cell(30.5, "30.50 A", '#,##0.00##" A"'),
    Cell(-12.0, "-12", "0;(0)"),
    Cell(10006.0, "10006", '0" CHF"'),
    Cell(10006.0, "10006", '"PLN" 0'),
    Cell(10006.0, "10006", '0" CZK"'),
    Cell(10006.0, "10006", '#,##0" kr"'),
    Cell(22334455.0, "22334455", "00 00 00 00"),
    Cell(1234567.0, "01 23 45 67", "00 00 00 00"),
    Cell(155.0, "0155", "[<=9999]0000;General"),
    Cell(0.0, "", "0;-0;;@"),
    Cell(12.0, "12", "0;-0;;@"),
    Cell(0.0, "", '[=0]"";General'),
    Cell(0.0, "", "#"),
    Cell(12.0, "12", "#"),
    Cell(0.0, "", "## ## ## ##"),
    Cell(0.0, "", "#,###"),
    Cell(1234.0, "1234", "#,###"),
    Cell(12.0, "12", ";;;"),
    Cell(1234.0, "1234", "#,##0"),
    Cell(1234.0, "1234", '"kr" 0'),
    Cell(12.5, "12.5"),
    Cell(12.5, "12.5", "00000"),
    Cell(-10.0, "-10", "00000"),
    Cell(4791234567.0, "4791234567"),
    Cell(True, "true"),
    Cell(False, "false"),
    Cell(datetime.fromisoformat("1980-01-31"), "1980-01-31", DAY),
    Cell(datetime.fromisoformat("1980-01-31T12:30:15"), "1980-01-31 12:30:15", "dd.mm.yyyy hh:mm:ss"),
    Cell(datetime.fromisoformat("1900-03-01"), "1900-03-01", DAY),
    Cell(datetime.fromisoformat("1905-03-01"), "1905-03-01", DAY),
    Cell("0010", "0010", "00000"),
    Cell("0010", "0010", "@"),
    Cell(" a ", " a "),
    Cell("a\nb", "a\nb"),
    Cell("Kåre & <Ola>", "Kåre & <Ola>"),
    Cell("#REF!", "#REF!"),
    Cell("Ola", "#HIDDEN!", struck=True),
    Cell(10.0, "#HIDDEN!", "00000", struck=True),
    Cell(30.25, "#HIDDEN!", struck=True),
    Cell(True, "#HIDDEN!", struck=True),
    Cell(datetime.fromisoformat("1980-01-31"), "#HIDDEN!", DAY, struck=True),
    Cell(None, ""),
]
SHOWN = {
    "#,##0": "1 234",
    "00 00 00 00": "22 33 44 55",
    "0;(0)": "(12)",
    '"kr" 0;("kr" 0)': "(kr 12)",
    '0" CHF"': "10006 CHF",
    '"PLN" 0': "PLN 10006",
    '0" CZK"': "10006 CZK",
}
"""What OpenDocument has beside the value, where it is not the text that is read."""
SHEET = "Kunder"


def xlsx(cells: Sequence[Cell], *, is_1904: bool = False) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "date_1904": is_1904}) as book:
        page = book.add_worksheet(SHEET)
        page.write_row(0, 0, ["customerNo", "name"])
        for row, cell in enumerate(cells, start=1):
            page.write_number(row, 0, row)
            look = {"num_format": cell.form, "font_strikeout": cell.struck}
            form = book.add_format(look) if cell.form != "General" or cell.struck else None
            if cell.value == "#REF!":
                page.write_formula(row, 1, "=1/0", form, "#REF!")
            elif isinstance(cell.value, str):
                page.write_string(row, 1, cell.value, form)
            elif cell.value is not None:
                page.write(row, 1, cell.value, form)
    return data.getvalue()


def ods(cells: Sequence[Cell]) -> bytes:
    namespaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )
    extension = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    rows = "".join(
        f'<table:table-row><table:table-cell office:value-type="float" office:value="{row}"><text:p>{row}</text:p>'
        f"</table:table-cell>{_ods_cell(cell)}</table:table-row>"
        for row, cell in enumerate(cells, start=1)
    )
    head = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{name}</text:p></table:table-cell>'
        for name in ("customerNo", "name")
    )
    blank = '<table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row>'
    content = (
        f'<office:document-content {namespaces} {extension}><office:automatic-styles><style:style style:name="ce0">'
        '<style:text-properties style:text-line-through-style="none"/></style:style><style:style style:name="ce1">'
        '<style:text-properties style:text-line-through-style="solid"/></style:style></office:automatic-styles>'
        f"<office:body><office:spreadsheet>"
        f'<table:table table:name="{SHEET}"><table:table-row>{head}</table:table-row>{rows}{blank}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return data.getvalue()


def _ods_cell(cell: Cell) -> str:
    value = cell.value
    shown = SHOWN.get(cell.form, cell.text)
    shown = cell.text if cell.text[:1] == "0" else shown
    if cell.form == '"kr" 0':
        attributes, shown = f'office:value-type="currency" office:value="{value}"', "kr 1234"
    elif value == "#REF!":
        attributes = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
    elif isinstance(value, bool):
        attributes, shown = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"', "SANN"
    elif isinstance(value, float):
        attributes = f'office:value-type="float" office:value="{value}"'
    elif isinstance(value, datetime):
        attributes = f'office:value-type="date" office:date-value="{value.isoformat()}"'
    elif value is None:
        return "<table:table-cell/>"
    else:
        attributes = 'office:value-type="string"'
    lines = "".join(f"<text:p>{escape(line).replace(' ', '<text:s/>')}</text:p>" for line in shown.split("\n"))
    attributes += f' table:style-name="ce{int(cell.struck)}"'
    note = "<office:annotation><text:p>en merknad</text:p></office:annotation>"
    return f"<table:table-cell {attributes}>{note}{lines}</table:table-cell>"


def excel_xml(cells: Sequence[Cell]) -> bytes:
    styles = "".join(
        f'<Style ss:ID="s{row}"><Font ss:StrikeThrough="{int(cell.struck)}"/>'
        f"<NumberFormat ss:Format={quoteattr(cell.form)}/></Style>"
        for row, cell in enumerate(cells, start=1)
    )
    rows = "".join(
        f'<Row><Cell><Data ss:Type="Number">{row}</Data></Cell>{_xml_cell(row, cell)}</Row>'
        for row, cell in enumerate(cells, start=1)
    )
    head = "".join(f'<Cell><Data ss:Type="String">{name}</Data></Cell>' for name in ("customerNo", "name"))
    uri = "urn:schemas-microsoft-com:office:spreadsheet"
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{uri}" xmlns:ss="{uri}"><Styles>{styles}</Styles>'
        f'<Worksheet ss:Name="{SHEET}"><Table><Row>{head}</Row>{rows}</Table></Worksheet></Workbook>'
    ).encode()


def _xml_cell(row: int, cell: Cell) -> str:
    value = cell.value
    if value is None:
        return ""
    if value == "#REF!":
        kind, text = "Error", "#REF!"
    elif isinstance(value, bool):
        kind, text = "Boolean", str(int(value))
    elif isinstance(value, float):
        kind, text = "Number", repr(value)
    elif isinstance(value, datetime):
        kind, text = "DateTime", value.isoformat(timespec="milliseconds")
    else:
        kind, text = "String", str(value)
    return f'<Cell ss:StyleID="s{row}"><Data ss:Type="{kind}">{escape(text, {chr(10): "&#10;"})}</Data></Cell>'


def old_xls(cells: Sequence[Cell]) -> bytes:
    """An old workbook, with the styles of the cells, whose numbers are written in each of their three ways."""
    struck = [row for row, cell in enumerate(cells, start=1) if cell.struck]
    book = xls([["customerNo", "name"]], styles=[cell.form for cell in cells], struck=struck)
    end = record(0x0A, b"")
    rows = b"".join(_old_cell(row, cell) for row, cell in enumerate(cells, start=1))
    return ole({"Workbook": book.removesuffix(end) + rows + end})


def _old_cell(row: int, cell: Cell) -> bytes:
    number = record(0x203, struct.pack("<HHHd", row, 0, 0, row))
    place = struct.pack("<HHH", row, 1, row)
    value = cell.value
    if value is None:
        return number
    if value == "#REF!":
        return number + record(0x205, place + bytes([0x17, 1]))
    if isinstance(value, bool):
        return number + record(0x205, place + bytes([value, 0]))
    if isinstance(value, datetime):
        value = (value - datetime.fromisoformat("1899-12-30")) / timedelta(days=1)
    if isinstance(value, float):
        if value == int(value) and abs(value) < 1 << 28 and row % 2:
            return number + record(0x27E, place + struct.pack("<I", (int(value) << 2 | 2) & 0xFFFFFFFF))
        return number + record(0x203, place + struct.pack("<d", value))
    text = str(value).encode("utf-16-le")
    return number + record(0x204, place + struct.pack("<HB", len(text) // 2, 1) + text)


WRITERS: dict[str, Callable[[Sequence[Cell]], bytes]] = {
    "xlsx in memory": xlsx,
    "xlsx as a stream": xlsx,
    "xlsx of 1904": lambda cells: xlsx(cells, is_1904=True),
    "xlsx of 1904 as a stream": lambda cells: xlsx(cells, is_1904=True),
    "OpenDocument": ods,
    "Excel XML": excel_xml,
    "old xls": old_xls,
}


def texts_of(data: bytes) -> list[str]:
    table = ExcelTable("kunder", lambda: io.BytesIO(data))
    return [chunk.record(index)[1] for chunk in table.chunks() for index in range(len(chunk))]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("alone", [False, True], ids=["together", "alone"])
def test_every_reader_gives_the_texts_that_a_person_sees(
    writer: str, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, a cell is read by the fast reader unless that would misread it."""
    if "stream" in writer:
        monkeypatch.setattr("armrest.intake.formats.workbooks.excel_stream.LARGE_BYTES", 0)
    cells = [cell for cell in CELLS if not _is_before_1904(cell.value) or "1904" not in writer]
    tables = [[cell] for cell in cells if cell.text] if alone else [cells]

    read = [text for table in tables for text in texts_of(WRITERS[writer](table))]

    assert read == [cell.text for cell in cells if cell.text or not alone]


def _is_before_1904(value: Value) -> bool:
    return isinstance(value, date) and value.year < 1904


@pytest.mark.parametrize("writer", ["xlsx in memory", "xlsx as a stream", "xlsx of 1904", "xlsx of 1904 as a stream"])
def test_a_time_of_day_and_a_duration_are_no_numbers(writer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "stream" in writer:
        monkeypatch.setattr("armrest.intake.formats.workbooks.excel_stream.LARGE_BYTES", 0)
    moments = [Cell(timedelta(hours=12), "", "hh:mm"), Cell(timedelta(days=1, hours=2), "", "[h]:mm")]

    assert texts_of(WRITERS[writer](moments)) == [time(12).isoformat(), "1 day, 2:00:00"]


@pytest.mark.parametrize("form", ['0%" x"', '# ?/?" x"', '0.0E+0"x"', '0.0" A "0'])
def test_a_number_with_words_that_is_not_rendered_is_an_error_cell(form: str) -> None:
    table = ExcelTable("kunder.xlsx", lambda: io.BytesIO(xlsx([Cell(0.5, "", form)])))

    assert [chunk.record(0) for chunk in table.chunks()] == [("1", "#FORMAT!")]
    assert is_error_cell("#FORMAT!")


def test_a_text_that_is_struck_out_in_part_is_an_error_cell() -> None:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        page, struck = book.add_worksheet(), book.add_format({"font_strikeout": True})
        page.write_row(0, 0, ["customerNo", "name"])
        page.write_rich_string(1, 1, "Kari ", struck, "Moe")
        page.write_string(2, 1, "Strikestad")
    of_xml = excel_xml([Cell("Kari", "")]).replace(
        b">Kari<", b'>Kari <S xmlns="http://www.w3.org/TR/REC-html40">Moe</S><'
    )
    of_ods = _changed(ods([Cell("Kari", "Kari")]), "Kari", '<text:span text:style-name="ce1">Kari</text:span>')

    assert texts_of(data.getvalue()) == ["#HIDDEN!", "Strikestad"]
    assert (texts_of(of_xml), texts_of(of_ods)) == (["#HIDDEN!"], ["#HIDDEN!"])


@pytest.mark.parametrize(
    "run", ['<r><rPr><strike val="0"/></rPr><t>Kari</t></r>', "<r><rPr><strike/></rPr><t>Kari</t></r>"]
)
def test_a_text_in_the_cell_itself_is_struck_out_only_if_its_font_says_so(run: str) -> None:
    cell = f'<c r="B2" t="inlineStr"><is>{run}</is></c>'
    book = re.sub('<c r="B2".*?</c>', cell, _part(xlsx([Cell("Kari", "")]), "xl/worksheets/sheet1.xml"))

    read = texts_of(_changed(xlsx([Cell("Kari", "")]), None, book))

    assert read == (["Kari"] if 'val="0"' in run else ["#HIDDEN!"])


def _part(data: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name).decode()


def _changed(data: bytes, old: str | None, new: str) -> bytes:
    """The file with another text in its table; the whole XML of the first sheet if no text is named."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(changed, "w") as copy:
        for name in archive.namelist():
            text = archive.read(name)
            if old is None:
                text = new.encode() if name.endswith("sheet1.xml") else text
            elif name == "content.xml":
                text = text.decode().replace(old, new).encode()
            copy.writestr(name, text)
    return changed.getvalue()

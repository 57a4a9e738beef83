"""A customer whose name or street has a word of totals and footers is a customer, wherever its row is."""

import io
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

import pytest
import xlsxwriter

from armrest.intake import Policy, Source
from armrest.intake.rules import Severity
from tests.intake.reading import read

Open = Callable[..., Source]
Rows = Sequence[Sequence[str]]
HEADER = ("Kundenr", "Navn", "Gate")
ROWS = [("10001", "Fjord AS", "Storgata 1"), ("10002", "Elv AS", "Storgata 2"), ("10003", "Dal AS", "Storgata 3")]
LIKE_A_TOTAL = [
    ("10006", "Poster & Plakat AS", "Storgata 6"),
    ("10006", "Poster & Plakat AS", ""),
    ("10006", "Total Reklame AS", ""),
    ("10006", "Sum Regnskap AS", ""),
    ("10006", "Antall Import", "5 000"),
    ("10006", "Ola Test", "12 Savile Row"),
    ("10006", "", "12 Savile Row"),
    ("10006", "Sum", ""),
]
COLUMNS = "columns: {Kundenr: customerNo, Navn: name}\n"


def delimited(rows: Rows) -> bytes:
    return "".join(";".join(row) + "\n" for row in rows).encode()


def workbook(rows: Rows) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, [cell or None for cell in row])
    return data.getvalue()


def open_document(rows: Rows) -> bytes:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    cells = [
        "".join(
            f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
            for cell in row
        )
        for row in rows
    ]
    table = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
    return (
        f'<?xml version="1.0"?><office:document {names} '
        'office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body><office:spreadsheet>'
        f'<table:table table:name="Kunder">{table}</table:table></office:spreadsheet></office:body></office:document>'
    ).encode()


def fixed_width(rows: Rows) -> bytes:
    widths = {"Kundenr": 8, "Navn": 20, "Gate": 1}
    return "".join(
        " ".join(cell.ljust(widths[column]) for cell, column in zip(row, rows[0], strict=True)).rstrip() + "\n"
        for row in rows
    ).encode()


WAYS = {
    "customers.csv": delimited,
    "customers.xlsx": workbook,
    "customers.fods": open_document,
    "customers.txt": fixed_width,
}
ORDERS = {(0, 1, 2): "Kundenr: 1-8, Navn: 10-29, Gate: 31-", (1, 0, 2): "Navn: 1-20, Kundenr: 22-29, Gate: 31-"}


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("place", [1, len(ROWS)], ids=["between others", "last"])
@pytest.mark.parametrize("row", LIKE_A_TOTAL)
def test_a_row_with_a_customer_number_is_a_customer_whatever_its_name_is(
    source: Open, name: str, order: tuple[int, int, int], place: int, row: tuple[str, str, str]
) -> None:
    rows = [HEADER, *ROWS[:place], row, *ROWS[place:]]
    content = WAYS[name]([[cells[column] for column in order] for cells in rows])
    positions = f"positions: {{{ORDERS[order]}}}\n" if name.endswith(".txt") else ""

    customers, rejects = read(source(content, name, mapping=COLUMNS + positions))

    assert rejects == []
    assert {customer["customerNo"]: customer.get("name", "") for customer in customers} == {
        number: its_name for number, its_name, _ in rows[1:]
    }


NAMES_FIRST = "Navn;Kundenr;Gate\n" + "".join(f"Fjord AS;{number};\n" for number in range(10001, 10031))


@pytest.mark.parametrize("number", ["1" * 5000, "0" * 5000, "9" * 4301], ids=["ones", "zeros", "nines"])
def test_a_total_with_a_very_long_number_is_rejected_as_any_such_row_is(source: Open, number: str) -> None:
    content = f"Navn;Kundenr;Gate\nFjord AS;10001;\nSum;{number};\nDal AS;10040;\n"

    customers, rejects = read(source(content, mapping=COLUMNS))

    assert [customer["customerNo"] for customer in customers] == ["10001", "10040"]
    assert [row for row, _, _ in rejects] == [3]


@pytest.mark.parametrize("rule", ["test-or-closed", "unlike-the-others"])
@pytest.mark.parametrize("severity", ["off", "warning", "error"])
@pytest.mark.parametrize("total", ["Sum;30;", "*** Totalt: ***;30;", "Antall kunder;7;"])
def test_no_severity_makes_a_total_a_customer(source: Open, rule: str, severity: Severity, total: str) -> None:
    content = f"{NAMES_FIRST}{total}\nDal AS;10040;\n"

    customers, rejects = read(source(content, mapping=COLUMNS, policy=Policy(severities={rule: severity})))

    assert len(customers) == 31
    assert rejects == [(32, "customerNo", "total-row")]

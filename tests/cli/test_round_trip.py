"""Tables that we write, edited in a spreadsheet and sent back: every cell arrives in ARM as it was."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from armrest.intake import open_source
from armrest.model import FIELDS
from armrest.sandbox import SandboxServer
from tests.cli.conftest import Typed
from tests.conftest import CLIENT_NO, Shell

Write = Callable[..., str]
Rows = list[list[str]]

FETCH = ("fetch-customers", "--client-no", str(CLIENT_NO), "-o")
UPDATE = ("update-customers", "--client-no", str(CLIENT_NO), "--json")
NAMES = ["@Home AS", "'@Home AS", "''@Home AS", "=1+1", "-5", "+47 22 33 44 55", "\t", "'t Hart", "Kari", "0010"]
HELD = [
    {"customerNo": str(number), "name": name, "phoneNo": "+4791234567", "buyerReference": "-"}
    for number, name in enumerate(NAMES, start=10001)
]


def read_csv(file: Path, delimiter: str = ",") -> Rows:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.reader(handle, delimiter=delimiter))


def save_csv(rows: Rows, file: Path) -> None:
    """Save as a Norwegian Excel does: semicolons, and UTF-8 with a BOM."""
    with file.open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle, delimiter=";").writerows(rows)


def read_xlsx(file: Path) -> Rows:
    sheet: Any = load_workbook(file).active
    return [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]


def save_xlsx(rows: Rows, file: Path) -> None:
    """Save as a workbook, the cells as a spreadsheet shows them: an apostrophe that was read from a CSV is a sign."""
    book = Workbook()
    sheet: Any = book.active
    for at, row in enumerate(rows, start=1):
        for column, cell in enumerate(row, start=1):
            if cell:
                sheet.cell(at, column).value = cell
                sheet.cell(at, column).data_type = "s"
    book.save(file)


def edited(rows: Rows) -> Rows:
    """Remove the columns at the end, which ARM shows and does not take, and change every customer's category."""
    end = rows[0].index("clientNo")
    category = rows[0].index("customerCategory")
    customers = [[*row[:category], "CONS", *row[category + 1 : end]] for row in rows[1:]]
    return [rows[0][:end], *customers]


def sent(file: Path) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in customer.items() if name in ("customerNo", *FIELDS)}
        for block in open_source(str(file)).blocks()
        for customer in block.customers
    ]


SAVE: dict[str, Callable[[Rows, Path], None]] = {".csv": save_csv, ".xlsx": save_xlsx}


@pytest.mark.parametrize("saved", [".csv", ".xlsx"])
@pytest.mark.parametrize("fetched", [".csv", ".xlsx"])
def test_what_was_fetched_and_edited_is_read_as_it_was(
    fetched: str, saved: str, typed: Typed, arm: SandboxServer, tmp_path: Path
) -> None:
    arm.records.load(CLIENT_NO, HELD)
    typed(*FETCH, f"fetched{fetched}")
    rows = (read_csv if fetched == ".csv" else read_xlsx)(tmp_path / f"fetched{fetched}")

    SAVE[saved](edited(rows), tmp_path / f"edited{saved}")

    expected = [{**held, "name": held["name"].strip(), "customerCategory": "CONS"} for held in HELD]
    expected = [{name: value for name, value in customer.items() if value} for customer in expected]
    assert sent(tmp_path / f"edited{saved}") == expected


@pytest.mark.parametrize("saved", [".csv", ".xlsx"])
def test_a_corrected_rejects_file_is_read_as_it_was(saved: str, typed: Typed, file: Write, tmp_path: Path) -> None:
    cells: Sequence[str] = NAMES
    rows = [["customerNo", "name", "dateOfBirth"]]
    rows += [[str(number), name, "1980-02-30"] for number, name in enumerate(cells, start=10001)]
    save_csv(rows, tmp_path / "source.csv")
    plan = ("plan", "source.csv", "--client-no", str(CLIENT_NO), "--max-rejected", "100%", "--json")
    rejects = Path(typed(*plan).json["rejects_file"])

    corrected = [[cell.replace("02-30", "02-28") for cell in row] for row in read_csv(rejects, ";")]
    SAVE[saved](corrected, tmp_path / f"corrected{saved}")

    expected = [
        {"customerNo": str(number), **({"name": name.strip()} if name.strip() else {}), "dateOfBirth": "1980-02-28"}
        for number, name in enumerate(cells, start=10001)
    ]
    assert sent(tmp_path / f"corrected{saved}") == expected


@pytest.mark.parametrize("saved", [".csv", ".xlsx"])
def test_the_cells_of_a_foreign_file_are_not_touched(saved: str, tmp_path: Path) -> None:
    rows = [["customerNo", "name"], ["1", "'=SUM"], ["2", "'@Home AS"], ["3", "@Home AS"]]

    SAVE[saved](rows, tmp_path / f"foreign{saved}")

    assert [customer["name"] for customer in sent(tmp_path / f"foreign{saved}")] == ["'=SUM", "'@Home AS", "@Home AS"]


@pytest.mark.xdist_group("prefect")
def test_fetched_edited_and_sent_every_name_arrives_as_it_was(
    prefect_shell: Shell, arm: SandboxServer, file: Write, tmp_path: Path
) -> None:
    names = [name for name in NAMES if name.strip()]
    arm.records.load(CLIENT_NO, [held for held in HELD if held["name"] in names])
    arm.records.load(CLIENT_NO, [{"customerNo": "F1", "name": "old"}])
    assert prefect_shell(*FETCH, "fetched.csv").exit_code == 0
    rows = [row for row in edited(read_csv(tmp_path / "fetched.csv")) if row[0] != "F1"]
    save_csv(rows, tmp_path / "edited.csv")

    assert prefect_shell(*UPDATE, "edited.csv").exit_code == 0
    assert prefect_shell(*UPDATE, file("customerNo,name\nF1,'=SUM\n", "foreign.csv")).exit_code == 0

    held = arm.records.customers(CLIENT_NO)
    assert [customer["name"] for number, customer in held.items() if number != "F1"] == names
    assert {customer["phoneNo"] for number, customer in held.items() if number != "F1"} == {"+4791234567"}
    assert {customer["customerCategory"] for number, customer in held.items() if number != "F1"} == {"CONS"}
    assert held["F1"]["name"] == "'=SUM"

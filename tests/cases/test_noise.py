"""A random table with random noise never sends a value that differs from the meant one without a finding on its row."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from armrest.intake import InputRefused, Policy, open_source
from tests.generated import examples
from tests.intake.customers import TODAY

COLUMNS = ("customerNo", "name", "phoneNo", "organizationNo", "postalCode", "cityName", "addressLine1", "countryCode")
Row = tuple[str, ...]
Noise = Callable[[str], str]

NOISE: dict[str, tuple[Noise, ...]] = {
    "customerNo": (
        lambda cell: f'="{cell}"',
        lambda cell: f"'{cell}",
        lambda cell: f"\u00a0{cell}\u200e",
        lambda cell: f"{cell}.0",
        lambda cell: f"{cell},00",
        lambda cell: f"{cell[:2]}.{cell[2:]}",
        lambda cell: f"{cell[:2]},{cell[2:]}",
        lambda cell: f"{cell[:2]} {cell[2:]}",
        lambda cell: f"{cell[:2]}\u200f{cell[2:]}",
        lambda cell: f"{cell[0]},{cell[1:]}E+04",
        lambda _: "NULL",
        lambda _: "04.03.2026",
        lambda _: "true",
        lambda _: "",
    ),
    "name": (
        lambda _: "NULL",
        lambda _: "-",
        lambda cell: f"{cell} 15108695088",
        lambda cell: f"{cell}\u00a0AS",
        lambda cell: f"\u00a0{cell}",
        lambda cell: f'="{cell}"',
        lambda cell: cell.replace("ø", "Ã¸") + "Ã¸",
        lambda _: "#REF!",
    ),
    "phoneNo": (
        lambda cell: f"{cell} / 92345678",
        lambda cell: f"{cell};92345678",
        lambda cell: f'="{cell}"',
        lambda cell: f"'{cell}",
        lambda _: "9,1E+07",
        lambda _: "nan",
        lambda cell: cell[:-1],
    ),
    "organizationNo": (
        lambda cell: f"{cell[:3]} {cell[3:6]} {cell[6:]}",
        lambda cell: f"NO{cell}MVA",
        lambda cell: f"{cell}.0",
        lambda _: "15908695124",
    ),
    "postalCode": (lambda cell: f"N-{cell}", lambda cell: f'="{cell}"', lambda cell: f"{cell}.0", lambda _: "155"),
    "cityName": (lambda _: "-", lambda _: "#N/A", lambda cell: f"{cell}\u200b", lambda cell: f"'{cell}"),
    "addressLine1": (lambda cell: f"{cell}\x07", lambda _: "None", lambda cell: f"=A1&{cell}"),
    "countryCode": (lambda _: "Norge", lambda _: "no", lambda _: "N", lambda _: "47"),
}
BETWEEN: tuple[Row, ...] = (
    COLUMNS,
    tuple(column.upper() for column in COLUMNS),
    ("Sum", *[""] * 6, "3750,00"),
    ("Antall kunder: 3", *[""] * 7),
    ("", "", "", "", "", "", "", "3750,00"),
    ("-----", *["---"] * 7),
    ("*** SLUTT ***", *[""] * 7),
    ("Side 1 av 2", *[""] * 7),
    ("",) * 8,
)
"""Rows that are no customers."""

rows = st.lists(
    st.tuples(
        st.integers(10_000, 99_999).map(str),
        st.sampled_from(["Kåre Sjøberg", "Testfirma Fjord AS", "Ørn & Sønn"]),
        st.sampled_from(["91234567", "+4791234567", "22126136"]),
        st.sampled_from(["974760673", "844338333"]),
        st.sampled_from(["0155", "5003", "9008"]),
        st.sampled_from(["Oslo", "Tromsø"]),
        st.sampled_from(["Storgata 1", "Postboks 12"]),
        st.just("NO"),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row[0],
)


def write_csv(path: Path, table: list[Row]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(table)
    path.write_bytes(text.getvalue().encode())


def write_csv_with_trailing_delimiters(path: Path, table: list[Row]) -> None:
    write_csv(path, [table[0], *((*row, "") for row in table[1:])])


def write_workbook(path: Path, table: list[Row]) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(table):
            for position, cell in enumerate(row):
                sheet.write_string(number, position, cell)


@pytest.mark.parametrize("write", [write_csv, write_csv_with_trailing_delimiters, write_workbook])
@settings(max_examples=examples(60))
@given(data=st.data())
def test_no_value_that_is_not_meant_is_sent_without_a_finding_on_its_row(
    write: Callable[[Path, list[Row]], None], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    table: list[Row] = [COLUMNS]
    meant: dict[int, Row] = {}
    for row in data.draw(rows):
        if data.draw(st.integers(0, 4)) == 0:
            table.append(data.draw(st.sampled_from(BETWEEN)))
        cells = list(row)
        for _ in range(data.draw(st.integers(0, 2))):
            position = data.draw(st.integers(0, len(COLUMNS) - 1))
            cells[position] = data.draw(st.sampled_from(NOISE[COLUMNS[position]]))(row[position])
        table.append(tuple(cells))
        meant[len(table)] = row
    path = tmp_path_factory.getbasetemp() / f"noise-{write.__name__}"
    write(path, table)

    sent, found = reading(path)

    for number, customer in sent.items():
        assert number in meant, "a row that is no customer was sent"
        assert number in found or customer == meant[number]


def reading(path: Path) -> tuple[dict[int, Row], set[int]]:
    """The customers that are sent, and the rows with a warning; nothing if the file is refused."""
    sent: dict[int, Row] = {}
    found: set[int] = set()
    try:
        for block in open_source(str(path), policy=Policy(today=TODAY)).blocks():
            found.update(finding.row for finding in block.warnings)
            for number, customer in zip(block.row_numbers, block.customers, strict=True):
                values: dict[str, Any] = {**customer, **(customer.get("postalAddress") or {})}
                sent[number] = tuple(values.get(column, "") for column in COLUMNS)
    except InputRefused:
        return {}, set()
    return sent, found

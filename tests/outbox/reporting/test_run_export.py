"""The file with the outcome of every customer of a run."""

import csv
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pyarrow import parquet

from armrest.outbox import (
    CustomerOutcome,
    ExportRefused,
    Ledger,
    Outbox,
    Run,
    create_run,
    export,
    find_run,
    outcomes_of_run,
)
from armrest.tabular import write_table
from tests.outbox.conftest import API_URL, CLIENT_NO, Planned, people, settled
from tests.plans import planning, update_of

HEADER = ["customerNo", "outcome", "batchUuid", "reason", "when"]
WHEN = "2023-11-14T22:13:20Z"


@pytest.fixture
def told(outbox: Outbox) -> Run:
    """A run with one customer of each outcome but open, and a rejected row without a number."""
    run = create_run(
        outbox.ledger,
        run_id="run",
        api_url=API_URL,
        client_no=CLIENT_NO,
        mode="update",
        user_id="ola",
        source="customers.csv",
        request=update_of(batch_size=2, max_body_bytes=5000),
    )
    with planning(outbox, run, batch_size=2, max_body_bytes=5000) as writer:
        writer.add([{"customerNo": "0010", "name": "Kari"}, {"customerNo": "=1+1", "name": "Kari"}])
        writer.reject([(3, "0012", "dateOfBirth", "not-a-date"), (4, None, "customerNo", "missing")])
        writer.complete()
    run = find_run(outbox.ledger, "run")
    settled(outbox, run, failed={"=1+1"})
    return run


LINES = [
    ["0010", "updated", "run-1", "", WHEN],
    ["=1+1", "failed", "run-1", "no", WHEN],
    ["0012", "rejected", "", "dateOfBirth: not-a-date", WHEN],
]


def test_csv_is_comma_separated_utf_8_with_a_byte_order_mark_and_harmless_to_spreadsheets(
    outbox: Outbox, told: Run, tmp_path: Path
) -> None:
    file = tmp_path / "run.csv"

    assert export(outbox.ledger, told, file) == 3

    assert file.read_bytes().startswith(b"\xef\xbb\xbfcustomerNo,outcome,batchUuid,reason,when,_guarded\r\n")
    with file.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.reader(handle))
    lines = [LINES[0], ["'=1+1", *LINES[1][1:]], LINES[2]]
    assert rows == [[*HEADER, "_guarded"], *([*line, "yes"] for line in lines)]


def test_excel_holds_nothing_but_text(outbox: Outbox, told: Run, tmp_path: Path) -> None:
    file = tmp_path / "run.xlsx"

    assert export(outbox.ledger, told, file) == 3

    rows = list(load_workbook(file).active.iter_rows())
    assert [[cell.value or "" for cell in row] for row in rows] == [HEADER, *LINES]
    assert {cell.data_type for row in rows for cell in row if cell.value} == {"s"}


def test_parquet_has_times_with_a_zone(outbox: Outbox, told: Run, tmp_path: Path) -> None:
    file = tmp_path / "run.parquet"

    assert export(outbox.ledger, told, file) == 3

    table = parquet.read_table(file)
    assert table.column_names == HEADER
    assert str(table.schema.field("when").type) == "timestamp[ms, tz=UTC]"
    assert table["customerNo"].to_pylist() == ["0010", "=1+1", "0012"]
    assert f"{table['when'][0].as_py():%Y-%m-%dT%H:%M:%SZ}" == WHEN


def test_a_uuid_stays_byte_for_byte(outbox: Outbox, planned: Planned, tmp_path: Path) -> None:
    run = planned("-dash", people(1))  # its batchUuid begins with a sign that starts a formula
    settled(outbox, run)
    file = tmp_path / "run.csv"

    export(outbox.ledger, run, file)

    with file.open(encoding="utf-8-sig", newline="") as handle:
        assert [row["batchUuid"] for row in csv.DictReader(handle)] == ["-dash-1"]


def test_a_run_without_customers_is_a_header(outbox: Outbox, planned: Planned, tmp_path: Path) -> None:
    file = tmp_path / "run.csv"

    assert export(outbox.ledger, planned("run", []), file) == 0

    assert file.read_text(encoding="utf-8-sig").splitlines() == [",".join([*HEADER, "_guarded"])]


def test_more_than_a_worksheet_holds_is_refused_for_excel(
    outbox: Outbox, told: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(write_table.__globals__, "MOST_IN_EXCEL", 2)

    with pytest.raises(ExportRefused, match="more than 2 rows are too many for Excel"):
        export(outbox.ledger, told, tmp_path / "run.xlsx")

    assert list(tmp_path.glob("*.xlsx*")) == []


@pytest.mark.parametrize("name", ["run.txt", "run", "run.csv.gz", ".csv"])
def test_an_unknown_ending_is_refused(outbox: Outbox, told: Run, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportRefused, match=r"use \.csv or \.xlsx or \.parquet"):
        export(outbox.ledger, told, tmp_path / name)


def test_a_folder_that_is_not_there_is_refused(outbox: Outbox, told: Run, tmp_path: Path) -> None:
    with pytest.raises(ExportRefused, match="cannot be written: there is no folder"):
        export(outbox.ledger, told, tmp_path / "nowhere" / "run.csv")


def test_a_folder_of_that_name_is_refused(outbox: Outbox, told: Run, tmp_path: Path) -> None:
    (tmp_path / "run.csv").mkdir()

    with pytest.raises(ExportRefused, match="and may not be replaced"):
        export(outbox.ledger, told, tmp_path / "run.csv")


def test_what_stood_there_is_replaced_whole(outbox: Outbox, told: Run, tmp_path: Path) -> None:
    file = tmp_path / "run.csv"
    file.write_text("older, and longer than what comes now " * 100)

    export(outbox.ledger, told, file)

    assert file.read_text(encoding="utf-8-sig").startswith("customerNo,")
    assert [path.name for path in tmp_path.glob("*run.csv*")] == ["run.csv"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["run.csv", "run.xlsx", "run.parquet"])
def test_an_export_that_breaks_off_leaves_the_old_file(
    outbox: Outbox, told: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / name
    file.write_text("old")
    monkeypatch.setitem(export.__globals__, "outcomes_of_run", broken_off)

    with pytest.raises(KeyboardInterrupt):
        export(outbox.ledger, told, file)

    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.glob(f"*{name}*")] == [name]


def broken_off(ledger: Ledger, run: Run) -> Iterator[CustomerOutcome]:
    """Yield a run's first outcome; then somebody presses Ctrl-C."""
    yield next(iter(outcomes_of_run(ledger, run)))
    raise KeyboardInterrupt

"""`armrest export`: the file with the outcome of every customer. No Prefect."""

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import Typed
from tests.cli.past import Past

HEADER = "customerNo,outcome,batchUuid,reason,when"


def test_a_csv_has_a_line_for_every_customer(typed: Typed, past: Past, tmp_path: Path) -> None:
    past.run("mine", 3, failed={"10002"})

    ended = typed("export", "mine", "-o", "mine.csv")

    assert (ended.exit_code, ended.out) == (0, "3 customers of run mine in mine.csv\n")
    with (tmp_path / "mine.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = [list(row.values())[:4] for row in csv.DictReader(handle)]
    assert rows == [
        ["10001", "updated", "mine-1", ""],
        ["10002", "failed", "mine-1", "no"],
        ["10003", "updated", "mine-2", ""],
    ]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_each_kind_of_file_is_written_whole(typed: Typed, past: Past, tmp_path: Path, ending: str) -> None:
    past.run("mine")

    ended = typed("export", "mine", "-o", f"mine.{ending}", "--json")

    assert ended.json == {"run_id": "mine", "file": f"mine.{ending}", "customers": 4}
    assert (tmp_path / f"mine.{ending}").stat().st_size > 100
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [f"mine.{ending}"]


def test_a_rejected_row_with_a_number_is_a_line_too(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("customerNo,dateOfBirth\n1,1980-01-31\n2,31.01.1980\n,1980-01-31\n")
    dry = typed("update-customers", "c.csv", "--client-no", "1", "--max-rejected", "2", "--dry-run", "--json").json

    typed("export", dry["run_id"], "-o", "out.csv")

    lines = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["1", "planned"], ["2", "rejected"]]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("mine.txt", "mine.txt has no format that can be written: use .csv or .xlsx or .parquet"),
        ("nowhere/mine.csv", "nowhere/mine.csv cannot be written: there is no folder nowhere; create it first"),
        ("folder.csv", "folder.csv cannot be written: it exists, and may not be replaced"),
    ],
    ids=["unknown ending", "no such folder", "a folder"],
)
def test_a_file_that_cannot_be_written_is_refused_in_one_line(
    typed: Typed, past: Past, tmp_path: Path, file: str, told: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    past.run("mine")

    ended = typed("export", "mine", "--output", file)

    assert (ended.exit_code, ended.complaint) == (2, f"armrest: {told}")

"""Tables as files: their mode, their formats, and what stays if writing ends before its end."""

import csv
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from openpyxl import load_workbook
from pyarrow import parquet

from armrest.tabular import TableFile, TableLayout, TableRefused, partial_path, table_format, write_table

SUFFIXES = [".csv", ".xlsx", ".parquet"]
LAYOUT = TableLayout(columns=("customerNo", "name", "uuid", "when"), times=("when",), codes=("uuid",))
WHEN = datetime(2026, 11, 28, 20, 15, tzinfo=UTC)
ROW = ("0010", "=1+1", "-x", WHEN)


class Broken(Exception):
    """Ends a writer."""


def rows_that_break(number: int) -> Iterator[tuple[str, ...]]:
    yield from [("1", "Kari", "", "")] * number if number else ()
    raise Broken


def read_csv(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.reader(handle))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_only_its_owner_can_read_it_even_if_others_could_read_the_old_one(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"table{suffix}"
    file.write_text("old")
    file.chmod(0o644)

    write_table(file, LAYOUT, [ROW])

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_error_leaves_the_old_file_and_nothing_else(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"table{suffix}"
    file.write_text("old")
    layout = TableLayout(columns=LAYOUT.columns)

    with pytest.raises(Broken):
        write_table(file, layout, rows_that_break(20_000))

    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


WRITER = """
import os, signal, sys
from pathlib import Path
from armrest.tabular import TableLayout, write_table

def rows():
    yield from [("1", "Kari" * 100)] * 20_000
    os.kill(os.getpid(), signal.SIGKILL)
    yield "2", "Ola"

write_table(Path(sys.argv[1]), TableLayout(columns=("customerNo", "name")), rows())
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_killed_writer_leaves_the_old_file_and_the_next_one_removes_its_rest(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"table{suffix}"
    file.write_text("old")

    ended = subprocess.run([sys.executable, "-c", WRITER, str(file)], check=False)

    assert (ended.returncode, file.read_text()) == (-SIGKILL, "old")
    assert stat.S_IMODE(partial_path(file).stat().st_mode) == 0o600
    write_table(file, LAYOUT, [ROW])
    assert file.stat().st_size != 3
    assert list(tmp_path.iterdir()) == [file]


def test_a_table_is_not_visible_before_it_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    table = TableFile(file, LAYOUT)
    table.write([ROW])
    assert not file.exists()

    table.close()

    assert read_csv(file)[1][0] == "0010"


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    first, second = TableFile(file, LAYOUT), TableFile(file, LAYOUT)
    second.write([ROW])

    with pytest.raises(FileExistsError, match="another process writes the same file"):
        first.close()
    second.close()

    assert len(read_csv(file)) == 2


def test_a_csv_is_guarded_and_marked(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"

    write_table(file, LAYOUT, [ROW, ("0011", None, "", None)])

    assert file.read_bytes().startswith(b"\xef\xbb\xbfcustomerNo,")
    assert read_csv(file) == [
        ["customerNo", "name", "uuid", "when", "_guarded"],
        ["0010", "'=1+1", "-x", "2026-11-28T20:15:00Z", "yes"],
        ["0011", "", "", "", "yes"],
    ]


def test_the_header_of_a_csv_is_guarded_like_its_cells(tmp_path: Path) -> None:
    names = ("customerNo", "=1+1", "'+x", "-")
    for suffix in (".csv", ".xlsx"):
        write_table(tmp_path / f"t{suffix}", TableLayout(columns=names), [("0010", "a", "b", "c")])

    sheet: Any = load_workbook(tmp_path / "t.xlsx").active
    assert read_csv(tmp_path / "t.csv")[0] == ["customerNo", "'=1+1", "''+x", "'-", "_guarded"]
    assert [cell.value for cell in next(sheet.iter_rows())] == list(names)


def test_excel_and_parquet_hold_the_cells_themselves_and_no_mark(tmp_path: Path) -> None:
    for suffix in (".xlsx", ".parquet"):
        write_table(tmp_path / f"t{suffix}", LAYOUT, [ROW])

    sheet: Any = load_workbook(tmp_path / "t.xlsx").active
    table = parquet.read_table(tmp_path / "t.parquet")
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        list(LAYOUT.columns),
        ["0010", "=1+1", "-x", "2026-11-28T20:15:00Z"],
    ]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    assert table.to_pylist() == [{"customerNo": "0010", "name": "=1+1", "uuid": "-x", "when": WHEN}]


def test_parquet_is_written_group_by_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(write_table.__globals__, "ROW_GROUP", 2)

    write_table(tmp_path / "t.parquet", TableLayout(columns=("a",)), [("1",), ("2",), ("3",)])

    assert parquet.ParquetFile(tmp_path / "t.parquet").num_row_groups == 2


def test_a_text_that_excel_cannot_hold_is_refused_and_not_dropped(tmp_path: Path) -> None:
    with pytest.raises(TableRefused, match=r"a cell of row 2 is too long for Excel: write \.csv"):
        write_table(tmp_path / "t.xlsx", TableLayout(columns=("a",)), [("x" * 40_000,)])

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["t.txt", "t", "t.csv.gz", ".csv"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TableRefused, match=r"use \.csv or \.xlsx or \.parquet"):
        table_format(tmp_path / name)


MEMORY = """
import resource, sys
from pathlib import Path
from armrest.tabular import TableLayout, write_table

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

layout = TableLayout(columns=[f"c{at}" for at in range(20)])
write_table(Path(sys.argv[1]), layout, (["x" * 20] * 20 for _ in range(10_000)))
before = peak()
write_table(Path(sys.argv[1]), layout, ([str(at) * 20] * 20 for at in range(20_000)))
print(peak() - before)
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_memory_does_not_grow_with_the_table(suffix: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / f"t{suffix}")], check=True, capture_output=True, text=True
    )

    unit = 1 if sys.platform == "darwin" else 1024
    assert int(ended.stdout) * unit < 30 << 20

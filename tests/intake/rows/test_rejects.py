import csv
import re
import stat
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from armrest.intake import REASONS, Policy, RejectsFile, Source, open_source
from tests.intake.customers import TODAY

Open = Callable[..., Source]


def rejects_file(source: Source, path: Path) -> list[list[str]]:
    with RejectsFile(path, source) as rejects:
        for block in source.blocks():
            rejects.write(block.rejects)
    with path.open(encoding=source.encoding, newline="") as file:
        return list(csv.reader(file, delimiter=source.delimiter))


def test_the_rejects_file_has_the_source_s_own_columns_and_the_reasons(source: Open, tmp_path: Path) -> None:
    found = source("name;dateOfBirth;customerNo\n Kåre ;1980-02-30;1\nOla;;2\n".encode("utf-8-sig"))

    header, row = rejects_file(found, tmp_path / "rejects.csv")

    assert header == ["name", "dateOfBirth", "customerNo", "_row", "_field", "_error"]
    assert row == [" Kåre ", "1980-02-30", "1", "2", "dateOfBirth", f"dateOfBirth {REASONS['not-a-date'].sentence}"]
    assert (tmp_path / "rejects.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_it_can_lie_at_any_fsspec_address(source: Open) -> None:
    with RejectsFile("memory://rejects/1.csv", found := source("customerNo,name\n1 1,x\n")) as rejects:
        for block in found.blocks():
            rejects.write(block.rejects)

    with fsspec.open("memory://rejects/1.csv", "r", encoding="utf-8", newline="") as file:
        assert next(iter(csv.reader(file))) == ["customerNo", "name", "_row", "_field", "_error"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8"])
def test_it_has_the_source_s_encoding_and_delimiter(source: Open, tmp_path: Path, encoding: str) -> None:
    found = source("customerNo;name\n1 1;Kåre\n2 2;Ås\n".encode(encoding))

    rows = rejects_file(found, tmp_path / "rejects.csv")

    assert [row[:2] for row in rows[1:]] == [["1 1", "Kåre"], ["2 2", "Ås"]]
    assert open_source(str(tmp_path / "rejects.csv")).description == found.description


def test_only_its_owner_can_read_it(source: Open, tmp_path: Path) -> None:
    rejects_file(source("customerNo,name\n1 1,x\n2,y\n"), tmp_path / "rejects.csv")

    assert stat.S_IMODE((tmp_path / "rejects.csv").stat().st_mode) == 0o600


def test_without_rejects_there_is_no_file(source: Open, tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "rejects.csv", source("customerNo\n1\n")) as rejects:
        rejects.write([])

    assert rejects.count == 0
    assert not (tmp_path / "rejects.csv").exists()


def test_mended_and_fed_back_it_goes_in(source: Open, tmp_path: Path) -> None:
    rows = rejects_file(
        source("customerNo,name,phoneNo,dateOfBirth\n1,=Kari,+4791234567,1980-02-30\n2,,,\n"), tmp_path / "r.csv"
    )
    assert rows[1][:3] == ["1", "'=Kari", "'+4791234567"]

    mended = (tmp_path / "r.csv").read_text(encoding="utf-8").replace("1980-02-30", "1980-02-28")
    (tmp_path / "mended.csv").write_text(mended, encoding="utf-8")
    (block,) = open_source(str(tmp_path / "mended.csv"), policy=Policy(today=TODAY)).blocks()

    assert block.customers == [
        {"customerNo": "1", "name": "=Kari", "phoneNo": "+4791234567", "dateOfBirth": "1980-02-28"}
    ]


def test_fed_back_unmended_it_gives_the_same_rejects_again(source: Open, tmp_path: Path) -> None:
    first = rejects_file(source("customerNo,phoneNo,name\n1,+47 call,'=x\n2,,\n"), tmp_path / "1.csv")
    again = rejects_file(open_source(str(tmp_path / "1.csv"), policy=Policy(today=TODAY)), tmp_path / "2.csv")

    assert again == first


def test_a_header_that_a_spreadsheet_would_run_is_guarded_and_comes_back(source: Open, tmp_path: Path) -> None:
    text = 'customerNo,"=HYPERLINK(""http://x"")",\'+47,+47,phoneNo\n1,a,b,c,call\n2,,,,\n'
    mapping = "columns: {customerNo: customerNo, '+47': name, phoneNo: phoneNo}"
    first = rejects_file(source(text, mapping=mapping), tmp_path / "1.csv")
    fed_back = source((tmp_path / "1.csv").read_text(encoding="utf-8"), mapping=mapping)
    again = rejects_file(fed_back, tmp_path / "2.csv")

    assert first[0][:5] == ["customerNo", '\'=HYPERLINK("http://x")', "''+47", "'+47", "phoneNo"]
    assert fed_back.columns[:5] == ("customerNo", '=HYPERLINK("http://x")', "'+47", "+47", "phoneNo")
    assert again == first


def test_half_a_character_is_written_and_rejected_again(source: Open, tmp_path: Path) -> None:
    text = '{"customerNo": "1", "name": "Kari \\ud83d"}\n{"customerNo": "2"}\n'

    rows = rejects_file(source(text), tmp_path / "1.csv")
    again = rejects_file(open_source(str(tmp_path / "1.csv"), policy=Policy(today=TODAY)), tmp_path / "2.csv")

    assert rows[1][:2] == ["1", "Kari \\ud83d"]
    assert again[1][rows[0].index("_error")] == rows[1][-1]


def test_a_customer_number_is_shown_only_where_it_is_one(source: Open) -> None:
    cells = ["Sum", "KariNordmann", "kari@example.no", "=0010", "10001.0", "#REF!"]
    text = "customerNo;phoneNo\n" + "".join(f"{cell};\n" for cell in cells) + "10002;call\n"

    (block,) = source(text).blocks()

    assert [reject.customer_no for reject in block.rejects] == [*[None] * len(cells), "10002"]


def test_an_apostrophe_before_a_formula_is_an_error_and_only_our_own_is_taken_away(
    source: Open, tmp_path: Path
) -> None:
    first = rejects_file(source("customerNo,name\n'0010-,A\n'=7,B\n=8,C\n9,D\n"), tmp_path / "1.csv")
    again = rejects_file(open_source(str(tmp_path / "1.csv"), policy=Policy(today=TODAY)), tmp_path / "2.csv")

    assert [row[0] for row in first[1:]] == ["'0010-", "''=7", "'=8"]
    assert again == first


def test_until_it_is_closed_the_old_file_stays(source: Open, tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    file.write_text("old")
    found = source("customerNo,name\n1 1,x\n")

    with RejectsFile(file, found) as rejects:
        for block in found.blocks():
            rejects.write(block.rejects)
        assert file.read_text() == "old"

    assert file.read_text(encoding="utf-8").startswith("customerNo,name,_row")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "customers.csv", file]


def test_a_folder_of_this_machine_that_is_named_by_an_address_is_a_folder(source: Open, tmp_path: Path) -> None:
    found = source("customerNo,name\n1 1,x\n")

    with RejectsFile(f"file://{tmp_path}/rejects.csv", found) as rejects:
        for block in found.blocks():
            rejects.write(block.rejects)

    assert stat.S_IMODE((tmp_path / "rejects.csv").stat().st_mode) == 0o600


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_sentence_is_one_line_that_reads_after_the_field_s_name(code: str) -> None:
    assert re.fullmatch(r"(is|contains|lies|does|had|stands) [^\n]+[^.\n]", REASONS[code].sentence)

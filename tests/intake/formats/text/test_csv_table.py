import csv
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from armrest.intake import InputRefused
from armrest.intake.formats.text.csv_table import CsvTable
from armrest.intake.table_options import TableOptions
from tests.intake.customers import csv_of

SPECTRUM = Path(__file__).parents[3] / "cases" / "csv_spectrum"
Rows = list[list[str]]
cells = st.text(st.sampled_from('ab",;\n\r\u00e6 '), max_size=6)


def table_of(text: str | bytes, *, encoding: str | None = None, block_bytes: int = 1 << 20) -> CsvTable:
    data = text.encode() if isinstance(text, str) else text
    return CsvTable("a.csv", lambda: io.BytesIO(data), TableOptions(encoding=encoding), block_bytes=block_bytes)


def rows_of(table: CsvTable) -> list[tuple[int, list[str]]]:
    return [
        (row, list(cells))
        for chunk in table.chunks()
        for row, cells in enumerate(zip(*chunk.columns, strict=True), start=chunk.first_row)
    ]


def outcome(read: Any) -> Any:
    try:
        return read()
    except InputRefused as refused:
        return refused.code


@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=20)),
    st.integers(1, 60),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_table_that_csv_writes_reads_back_whatever_the_blocks(
    rows: Rows, block_bytes: int, quoting: Any, line_end: str
) -> None:
    rows = [[cell.replace("\r", "") for cell in row] if line_end == "\n" else row for row in rows]
    columns = [f"c{at}" for at in range(len(rows[0]) if rows else 1)]
    text = csv_of(rows, columns=columns, quoting=quoting, lineterminator=line_end)

    assert rows_of(table_of(text, block_bytes=block_bytes)) == list(enumerate(rows, start=2))


@given(st.text(st.sampled_from('ab",\n\r '), max_size=60), st.integers(1, 20))
@example(",,\r,", 1)
@example("a,b,\n,\nc,d,", 20)
def test_any_text_gives_the_cells_that_csv_reader_gives_or_is_refused_as_it_would(text: str, block_bytes: int) -> None:
    def by_reader() -> Any:
        records = list(csv.reader(io.StringIO("a,b\n" + text, newline=""), strict=True))[1:]
        rows = [record or ["", ""] for record in records]
        return list(enumerate(rows, start=2)) if all(len(row) == 2 for row in rows) else "ragged"

    try:
        expected = by_reader()
    except csv.Error:
        expected = "refused"

    read = outcome(lambda: rows_of(table_of("a,b\n" + text, block_bytes=block_bytes)))

    if expected == "refused":
        assert read in {"quote", "ragged"}
    elif expected == "ragged" and read != "ragged":  # a delimiter at the end of every line is no column
        records = [record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record]
        with_values = [record for record in records if any(record)]  # no cell can have moved in a row that has none
        assert len({len(record) for record in with_values}) <= 1
        assert not any("".join(record[2:]).strip() for record in records)
        assert [row for _, row in read if any(row)] == [record[:2] for record in records if any(record[:2])]
    else:
        assert read == expected


def test_row_numbers_count_records_where_cells_hold_line_breaks() -> None:
    assert rows_of(table_of('a,b\n1,"x\ny"\n2,z\n\n3,w\n')) == [
        (2, ["1", "x\ny"]),
        (3, ["2", "z"]),
        (4, ["", ""]),
        (5, ["3", "w"]),
    ]


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2\n1\n", "a,b\n1,2\n1,2,3\n", 'a,b\n1,2\n"1"\n', 'a,b\n"1","2"\n"1",2,"3"\n', 'a,b\n1,"2\n"\n1\n'],
    ids=["short", "long", "short and quoted", "long and quoted", "after a line break"],
)
def test_a_ragged_row_is_refused_with_its_number(text: str) -> None:
    with pytest.raises(InputRefused, match=r"row 3 has . cells? where the header has 2") as refused:
        rows_of(table_of(text))

    assert (refused.value.code, refused.value.rows) == ("ragged", (3,))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('a,b\n1,2\n1,"2\n3,4\n', 3),
        ('a,b\n1,"2" x\n', 2),
        ('a,b\n1,"' + "x\n" * 100_000, 2),
        ("a,b\n" + "x" * (5 << 20), 2),
    ],
    ids=["open at the end", "text after it", "open for long", "no line end"],
)
def test_a_quote_that_never_ends_is_refused(text: str, row: int) -> None:
    with pytest.raises(InputRefused) as refused:
        rows_of(table_of(text))

    assert (refused.value.code, refused.value.rows) == ("quote", (row,))


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b"", "empty", "empty"),
        (b" \r\n\n", "empty", "empty"),
        (b"\xef\xbb\xbf", "empty", "empty"),
        (b"a,b\n1,2\n1,\0\n", "nul", "line 3"),
        (b"a,b\n1,2\n1,\xe6\x81\n", "bad-encoding", "line 3: neither UTF-8 nor Windows-1252"),
        (b"\xef\xbb\xbfa,b\n1,\xe6\n", "bad-encoding", "line 2: not UTF-8 with BOM"),
        (b"\xef\xbb\xbfa,b\n1,\xc3", "damaged", "line 2: the file ends inside a letter"),
        (b'"a,b\n1,2\n', "quote", "row 1"),
    ],
    ids=[
        "empty",
        "blank",
        "a BOM alone",
        "NUL",
        "neither",
        "after a BOM",
        "cut character",
        "header",
    ],
)
def test_what_is_no_csv_is_refused_saying_where(data: bytes, code: str, place: str) -> None:
    with pytest.raises(InputRefused, match=place) as refused:
        rows_of(table_of(data))

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8 with BOM"), ("utf-16", "UTF-16")],
)
@pytest.mark.parametrize(
    ("delimiter", "word"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "vertical bar")]
)
def test_bom_and_delimiter_are_found_by_looking(encoding: str, shown: str, delimiter: str, word: str) -> None:
    table = table_of(f'"a,b;c"{delimiter}b\nÆ{delimiter}2\n'.encode(encoding), block_bytes=5)

    assert table.columns == ("a,b;c", "b")
    assert table.description == f"CSV, {shown}, {word}"
    assert rows_of(table) == [(2, ["Æ", "2"])]


@pytest.mark.parametrize("at", [0, 1_200_000], ids=["early", "late"])
def test_what_is_not_utf_8_somewhere_is_windows_1252_everywhere(at: int) -> None:
    table = table_of(b"a,b\n" + b"1,2\n" * (at // 4) + "1,Ås – €\n".encode("cp1252"))

    assert (table.encoding, table.description) == ("cp1252", "CSV, Windows-1252, comma")
    assert rows_of(table)[-1] == (at // 4 + 2, ["1", "Ås – €"])


def test_excel_s_line_that_names_the_delimiter_is_obeyed() -> None:
    table = table_of("sep=|\na,b|c\n1|2\n")

    assert (table.columns, rows_of(table)) == (("a,b", "c"), [(3, ["1", "2"])])


@pytest.mark.parametrize("path", sorted(SPECTRUM.glob("*.csv")), ids=lambda path: path.stem)
def test_csv_spectrum(path: Path) -> None:
    table = table_of(path.read_bytes(), block_bytes=7)

    records = [dict(zip(table.columns, cells, strict=True)) for _, cells in rows_of(table)]
    assert records == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("data", "columns", "rows"),
    [
        ('\ufeff"a"\t"b"\n"1"\t"x, y"\n'.encode(), ("a", "b"), [["1", "x, y"]]),
        (b'a,"\x1ab",c\n1,2,3\n', ("a", "\x1ab", "c"), [["1", "2", "3"]]),
        ("a;b\n1;2\n".encode("utf-16-be").join([b"\xfe\xff", b""]), ("a", "b"), [["1", "2"]]),
        (b'index,A\n2000-01-03 00:00:00,"1"\n', ("index", "A"), [["2000-01-03 00:00:00", "1"]]),
        (b'a,b\n"x""",\n""""\n'.replace(b'\n""""', b'\n"""",'), ("a", "b"), [['x"', ""], ['"', ""]]),
        (b'a|b\r\n1|"2\r\n3"\r\n', ("a", "b"), [["1", "2\r\n3"]]),
    ],
    ids=["quoted after a BOM", "SUB", "big-endian", "time", "quotes at the ends", "CRLF within"],
)
def test_awkward_files(data: bytes, columns: tuple[str, ...], rows: Rows) -> None:
    """After those that pandas tests itself with."""
    table = table_of(data)

    assert table.columns == columns
    assert [cells for _, cells in rows_of(table)] == rows


def test_an_encoding_that_was_told_is_taken() -> None:
    assert rows_of(table_of("a\nTromsø\n".encode("cp1252"), encoding="cp1252")) == [(2, ["Tromsø"])]


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(InputRefused, match='no encoding called "utf-9"'):
        table_of("a\n", encoding="utf-9")


def test_blank_lines_before_the_header_count_as_rows() -> None:
    assert rows_of(table_of("\n\na\n1\n")) == [(4, ["1"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("count", [999, 1000, 1001, 300_000])
def test_many_blank_lines_count_as_rows_and_are_not_read_as_such(end: str, count: int) -> None:
    table = table_of(f"a,b{end}1,2{end}{end * count}3,4{end}{end * count}")

    filled = [
        (chunk.first_row + index, chunk.record(index))
        for chunk in table.chunks()
        for index in range(len(chunk))
        if any(chunk.record(index))
    ]

    assert filled == [(2, ("1", "2")), (3 + count, ("3", "4"))]


def test_many_blank_lines_inside_quotes_are_the_text_of_a_cell() -> None:
    inside = "\n" * 5000

    rows = rows_of(table_of(f'a,b\n1,"x{inside}y"\n3,4\n'))

    assert [cells for _, cells in rows] == [["1", f"x{inside}y"], ["3", "4"]]


def test_thirty_two_megabytes_of_blank_lines_cost_no_memory() -> None:
    data = b"a,b\n1,2\n" + b"\n" * (32 << 20) + b"3,4\n"
    tracemalloc.start()
    rows = sum(map(len, table_of(data).chunks()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert rows < 300_000
    assert peak < 30_000_000

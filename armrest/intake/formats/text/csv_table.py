"""Read CSV in blocks, and check its structure while reading.

`str.split` splits plain lines. `csv.reader` reads lines with quotes, and whole blocks if cells contain line breaks. The
cells are always those that `csv.reader` gives, and every ragged row is found.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats.headers import (
    ROWS_SEARCHED,
    Rows,
    guess,
    has_customer_number,
    heading,
    is_trailer,
    looks_like_another_header,
    may_be_customer,
)
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.formats.text.text_file import BLOCK_BYTES, TextFile
from armrest.intake.locations import Opened
from armrest.intake.table_options import AS_DETECTED, TableOptions
from armrest.tabular import has_guard_mark

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SAMPLE_LINES: Final = 50
MAX_RECORD_LENGTH: Final = 4 << 20
_FEWEST_ALIKE: Final = 20
"""With fewer rows, cells have one length by chance."""
BLANK_LINES: Final = 1000
"""Blank lines in a row that are skipped at once, and not read as rows."""
_MANY_BLANK_LINES: Final = tuple(end * BLANK_LINES for end in ("\n", "\r\n", "\r"))
_FEW_BLANK_LINES: Final = tuple(end * (BLANK_LINES - 1) for end in ("\n", "\r\n", "\r"))
csv.field_size_limit(MAX_RECORD_LENGTH)  # the module's own limit is 128 KiB a cell
_DELIMITER_LINE: Final = re.compile(r'"?sep=([,;\t|])"?\r?\n')


class CsvTable(PlainTable):
    """A CSV file.

    Args:
        name: The name of the file in messages.
        opened: Opens the file at its start; may be called repeatedly.
        options: `encoding`; and `header_row`, which a rejects file needs not.

    Raises:
        InputRefused: The file is empty or not text, its encoding is unclear, or its header cannot be read.
    """

    def __init__(
        self,
        name: str,
        opened: Opened,
        options: TableOptions = AS_DETECTED,
        *,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.name = name
        self._file = TextFile(name, opened, encoding=options.encoding)
        self._block_bytes = block_bytes
        self.encoding = self._file.encoding
        text = next(self._file.texts(), "")
        if not text.strip():
            raise self._file.refused("empty", "the file is empty; check the system that exported it")
        self.first_lines = text.splitlines()[:SAMPLE_LINES]
        self._line_end = "\n" if "\n" in text else "\r"
        self._may_end_inside_cell = False
        self._read_header(text, options.header_row)
        self.cell_delimiter = self.delimiter
        self.description = f"CSV, {self._file.label}, {DELIMITERS[self.delimiter]}"

    def _read_header(self, text: str, header_row: int | None) -> None:
        """Read the header, which may be longer than one block."""
        self.delimiter = _delimiter(text)
        row, header, length = self._record_at(None)
        if header_row is not None and not has_guard_mark(header):
            self.delimiter = _delimiter(_line_at(text, header_row))
            row, header, length = self._record_at(header_row)
        self.header_row, self._header_length = row, length
        self.columns = tuple(map(heading, header))
        self._surplus = self._surplus_cells(text[length:])

    def _surplus_cells(self, text: str) -> int:
        """The number of empty cells behind the header's last column in the first record: delimiters at a line's end.

        They are no columns if every record has them; a record that differs is ragged.
        """
        line = next((line for line in text.splitlines() if line.strip()), "")
        try:
            record = next(csv.reader([line], delimiter=self.delimiter, strict=True), [])
        except csv.Error:
            return 0
        surplus = record[len(self.columns) :]
        return 0 if any(map(str.strip, surplus)) else len(surplus)

    def _record_at(self, header_row: int | None) -> tuple[int, list[str], int]:
        """The row number of a record, its cells, and the length of the text up to its end; None: the first filled one.

        Raises:
            InputRefused: There is no such row, a quote never ends, or the header is too long.
        """
        text = ""
        for more in self._file.texts(BLOCK_BYTES):
            text += more
            lines = list(io.StringIO(text, newline=""))
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            try:
                for row, cells in enumerate(reader, start=1):
                    is_header = row == header_row if header_row else bool(cells) and not cells[0].startswith("sep=")
                    if is_header and reader.line_num < len(lines):
                        return row, cells, len("".join(lines[: reader.line_num]))
            except csv.Error as error:
                if "unexpected end of data" not in str(error):
                    raise self._quote_fault(error, 1) from None
            if len(text) > MAX_RECORD_LENGTH:
                break
        return self._last_record(text, header_row)

    def _last_record(self, text: str, header_row: int | None) -> tuple[int, list[str], int]:
        """The header of a file that ends with it, or of which only the header was read."""
        if len(text) > MAX_RECORD_LENGTH:
            raise self._file.refused(
                "quote", f"the header is longer than {MAX_RECORD_LENGTH >> 20} MiB; is this not CSV?"
            )
        try:
            rows = enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True), start=1)
            for row, cells in rows:
                if row == header_row if header_row else bool(cells) and not cells[0].startswith("sep="):
                    return row, cells, len(text)
        except csv.Error as error:
            raise self._quote_fault(error, 1) from None
        raise self._file.refused("missing-column", f"there is no row {header_row}, which should hold the header")

    def tops(self) -> Iterator[Rows]:
        """The first rows of the file, split by each delimiter."""
        lines = list(islice(io.StringIO(next(self._file.texts(BLOCK_BYTES), ""), newline=""), ROWS_SEARCHED))
        for delimiter in DELIMITERS:
            yield list(csv.reader(lines, delimiter=delimiter))

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start; the header is row 1, and a blank line counts as a row.

        Raises:
            InputRefused: A row is ragged, a quote never ends, or a byte is NUL or invalid in the encoding.
        """
        row, rest, header_left = self.header_row + 1, "", self._header_length
        last: Sequence[str] = ()
        last_column = _LastColumn(is_judged=guess(self.columns[-1]) == "customerNo")
        for text in self._terminated(self._file.texts(self._block_bytes)):
            rest += text[header_left:]
            header_left = max(0, header_left - len(text))
            cut = rest.rfind(self._line_end) + 1
            complete, rest = rest[:cut], rest[cut:]
            while complete:
                if blank := self._blank_lines(complete):
                    row += complete.count(self._line_end, 0, blank)
                    complete = complete[blank:]
                    continue
                part = complete[: self._gap(complete)]
                chunk, tail = self._split(part, row, last=False)
                if tail and len(part) < len(complete):  # the blank lines are inside quotes
                    part = complete
                    chunk, tail = self._split(part, row, last=False)
                complete = complete[len(part) :]
                if len(chunk):
                    last_column.add(chunk.columns[-1])
                    last = chunk.record(len(chunk) - 1)
                    yield chunk
                row += len(chunk)
                rest = tail + rest
            if len(rest) > MAX_RECORD_LENGTH:
                raise self._file.refused("quote", f"row {row} never ends; is a quote open, or is this not CSV?", row)
        self._file.refuse_cut()
        if self._may_end_inside_cell and last_column.is_cut and not self._is_below_the_table(last):
            what = "it ends inside a line, and its last customer number is shorter than all others, so it may be cut"
            raise self._file.refused(
                "damaged", f"{what}; export it again, or end its last line with a line break", row - 1
            )
        chunk, _ = self._split(rest + "\n" if rest else "", row, last=True)
        if len(chunk):
            yield chunk

    def _terminated(self, texts: Iterator[str]) -> Iterator[str]:
        """The texts with a line end behind the last one, so that the last row is judged beside those before it."""
        held = ""
        for text in texts:
            if held:
                yield held
            held = text
        ends_inside_line = not held.endswith(("\n", "\r"))
        self._may_end_inside_cell = ends_inside_line and not held.endswith(('"', self.delimiter))
        if held:
            yield held + self._line_end if ends_inside_line else held

    @staticmethod
    def _blank_lines(text: str) -> int:
        """The length of the blank lines at the start of a text; 0 if there are few, which cost nothing."""
        if not text.startswith(_FEW_BLANK_LINES):
            return 0
        return len(text) - len(text.lstrip("\r\n"))

    @staticmethod
    def _gap(text: str) -> int:
        """Where many blank lines begin, after the line before them; the length of the text if nowhere."""
        for lines in _MANY_BLANK_LINES:
            if (place := text.find(lines)) >= 0:
                return place + len(lines) // BLANK_LINES
        return len(text)

    def _split(self, text: str, row: int, *, last: bool) -> tuple[Chunk, str]:
        """The records of these complete lines, and the rest of the text if a quoted cell is still open."""
        columns = self._split_lines(text)
        if columns is not None:
            return Chunk(row, columns, has_breaks=False), ""
        columns, rest = self._split_records(text, row, last=last)
        return Chunk(row, columns), rest

    def _split_lines(self, text: str) -> list[list[str]] | None:
        """The columns, or None if a line is not a record."""
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
        lines = text.split("\n")
        del lines[-1]
        width = len(self.columns) + self._surplus
        try:
            records = list(csv.reader(lines, delimiter=self.delimiter, strict=True))
        except csv.Error:
            return None
        if len(records) != len(lines):
            return None
        if "" in lines:
            records = [record or [""] * width for record in records]
        if set(map(len, records)) - {width}:
            return None
        columns = list(map(list, zip(*records, strict=True))) or [[] for _ in range(width)]
        if any(any(column) for column in columns[len(self.columns) :]):
            return None
        return columns[: len(self.columns)]

    def _split_records(self, text: str, row: int, *, last: bool) -> tuple[list[list[str]], str]:
        lines = list(io.StringIO(text, newline=""))
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        records: list[list[str]] = []
        complete = 0
        try:
            for record in reader:
                records.append(record or [""] * len(self.columns))
                complete = reader.line_num
        except csv.Error as error:
            if last or "unexpected end of data" not in str(error):
                raise self._quote_fault(error, row + len(records)) from None
        self._check_widths(records, row)
        columns = list(map(list, zip(*records, strict=True))) if records else [[] for _ in self.columns]
        return columns, "".join(lines[complete:])

    def _check_widths(self, records: list[list[str]], row: int) -> None:
        width, surplus = len(self.columns), self._surplus
        ragged = []
        below_table = False
        for position, record in enumerate(records):
            if len(record) == width + surplus and not any(map(str.strip, record[width:])):
                del record[width:]
            elif len(record) < width and self._is_below_the_table(record, below_table=below_table):
                below_table = True
                # in one cell, so that `Sum;2` is no customer 2 if the names come first
                record[:] = [self.delimiter.join(record).strip(self.delimiter), *[""] * (width - 1)]
            elif looks_like_another_header(record):
                what = "looks like the header of another table; send each table as a file of its own"
                raise self._file.refused("second-table", f"row {row + position} {what}", row + position)
            elif len(record) != width or any(record):  # a blank line has the header's length
                ragged.append(position)
        if ragged:
            rows = tuple(row + position for position in ragged[:10])
            more = f" (the first of {len(ragged)} such rows)" if len(ragged) > 1 else ""
            length = len(records[ragged[0]])
            cells = f"{length} cell{'s'[: length - 1]}"
            what = (
                f"row {rows[0]} has {cells} where the header has {width}{' and an empty one' if surplus else ''}{more}"
            )
            delimiter = DELIMITERS[self.delimiter]
            raise self._file.refused("ragged", f"{what}; put cells that hold a {delimiter} in quotes", *rows)

    def _is_below_the_table(self, record: Sequence[str], *, below_table: bool = False) -> bool:
        if is_trailer(record):
            return not may_be_customer(record, self.columns)
        return below_table and len(record) == 1 and not has_customer_number(record[0].strip())

    def _quote_fault(self, error: csv.Error, row: int) -> InputRefused:
        if "expected after" in str(error):
            return self._file.refused(
                "quote", f'row {row}: text after a closing quote; write a quote in a cell as ""', row
            )
        return self._file.refused("quote", f'row {row}: a quote that never ends; close it, or write it as ""', row)


class _LastColumn:
    """Judges the last cell of a file by the others in its column, if they are customer numbers of one length.

    Other numbers have rules of their own, and foreign ones may be shorter; words differ in length anyway.
    """

    def __init__(self, *, is_judged: bool) -> None:
        self._is_judged = is_judged
        self._lengths: set[int] = set()
        self._count = 0
        self._last = ""

    def add(self, cells: Sequence[str]) -> None:
        """Take the next cells; those of columns that are not judged cost nothing."""
        if not self._is_judged:
            return
        others = list(filter(None, [self._last, *cells[:-1]]))
        self._lengths.update(map(len, others))
        self._is_judged = len(self._lengths) <= 1 and (not others or "".join(others).isdecimal())
        self._count += len(cells)
        self._last = cells[-1]

    @property
    def is_cut(self) -> bool:
        """Whether the last cell is shorter than the others."""
        if not (self._is_judged and self._lengths and self._count > _FEWEST_ALIKE):
            return False
        return self._last.isdecimal() and len(self._last) < min(self._lengths)


def _line_at(text: str, row: int) -> str:
    lines = text.splitlines(keepends=True)
    return lines[row - 1] if row <= len(lines) else ""


def _delimiter(text: str) -> str:
    """The delimiter in Excel's `sep=` line, or the most frequent one in the header outside quotes; else a comma."""
    if line := _DELIMITER_LINE.match(text):
        return line[1]
    header = re.split("[\r\n]", re.sub(r'"[^"]*"', "", text.lstrip()), maxsplit=1)[0]
    return max(DELIMITERS, key=header.count)

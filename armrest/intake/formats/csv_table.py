"""Read CSV in blocks, and check its structure while reading.

`str.split` splits plain lines. `csv.reader` reads lines with quotes, and whole blocks if cells contain line breaks. The
cells are always those that `csv.reader` gives, and every ragged row is found.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice, repeat
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats.column_names import Rows
from armrest.intake.formats.header_search import ROWS_SEARCHED
from armrest.intake.formats.non_records import is_trailer, looks_like_another_header
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.locations import Opened
from armrest.tabular import has_guard_mark

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
BLOCK_BYTES: Final = 1 << 17
MAX_RECORD_LENGTH: Final = 4 << 20
_BOMS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_ENCODING_NAMES: Final = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
_DELIMITER_LINE: Final = re.compile(r'"?sep=([,;\t|])"?\r?\n')
_WEB_PAGE: Final = ("<!doctype", "<html", "<?xml")


class CsvTable(PlainTable):
    """A CSV file.

    Args:
        name: The name of the file in messages.
        opened: Opens the file at its start; may be called repeatedly.
        encoding: A Python codec. None: the BOM decides, else UTF-8 if the whole file is valid UTF-8, else Windows-1252.

        header_row: The row number of the header. None, and in a rejects file: the first row that is not blank.

    Raises:
        InputRefused: The file is empty, not text, or a web page, or its header cannot be read.
    """

    def __init__(
        self,
        name: str,
        opened: Opened,
        *,
        encoding: str | None = None,
        header_row: int | None = None,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.name = name
        self._opened = opened
        self._block_bytes = block_bytes
        self.encoding = self._checked(encoding) if encoding else self._detect_encoding()
        text = next(self._texts(BLOCK_BYTES), "")
        if not text.strip():
            raise self._refused("empty", "the file is empty; check the system that exported it")
        if text.lstrip()[:20].casefold().startswith(_WEB_PAGE):
            raise self._refused("html", "this is a web page, not a CSV file; check how it was downloaded")
        self._line_end = "\n" if "\n" in text else "\r"
        self._read_header(text, header_row)
        self.cell_delimiter = self.delimiter
        self.description = f"CSV, {_ENCODING_NAMES.get(self.encoding, self.encoding)}, {DELIMITERS[self.delimiter]}"

    def _checked(self, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            what = f'there is no encoding called "{encoding}"; try utf-8 or cp1252'
            raise self._refused("bad-encoding", what) from None

    def _detect_encoding(self) -> str:
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self._opened() as file:
            data = file.read(BLOCK_BYTES)
            for bom, codec in _BOMS.items():
                if data.startswith(bom):
                    return codec
            try:
                while data:
                    decoder.decode(data)
                    data = file.read(BLOCK_BYTES)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return "cp1252"
        return "utf-8"

    def _read_header(self, text: str, header_row: int | None) -> None:
        """Read the header, which may be longer than one block."""
        self.delimiter = _delimiter(text)
        row, header, length = self._record_at(None)
        if header_row is not None and not has_guard_mark(header):
            self.delimiter = _delimiter(_line_at(text, header_row))
            row, header, length = self._record_at(header_row)
        self.header_row, self._header_length = row, length
        self.columns = tuple(cell.strip() for cell in header)
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

    def _record_at(self, wanted: int | None) -> tuple[int, list[str], int]:
        """The row number of a record, its cells, and the length of the text up to its end; None: the first filled one.

        Raises:
            InputRefused: There is no such row, a quote never ends, or the header is too long.
        """
        text = ""
        for more in self._texts(BLOCK_BYTES):
            text += more
            lines = list(io.StringIO(text, newline=""))
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            try:
                for row, cells in enumerate(reader, start=1):
                    is_header = row == wanted if wanted else bool(cells) and not cells[0].startswith("sep=")
                    if is_header and reader.line_num < len(lines):
                        return row, cells, len("".join(lines[: reader.line_num]))
            except csv.Error as error:
                if "unexpected end of data" not in str(error):
                    raise self._quote_fault(error, 1) from None
            if len(text) > MAX_RECORD_LENGTH:
                break
        return self._last_record(text, wanted)

    def _last_record(self, text: str, wanted: int | None) -> tuple[int, list[str], int]:
        """The header of a file that ends with it, or of which only the header was read."""
        if len(text) > MAX_RECORD_LENGTH:
            raise self._refused("quote", f"the header is longer than {MAX_RECORD_LENGTH >> 20} MiB; is this not CSV?")
        try:
            rows = enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True), start=1)
            for row, cells in rows:
                if row == wanted if wanted else bool(cells) and not cells[0].startswith("sep="):
                    return row, cells, len(text)
        except csv.Error as error:
            raise self._quote_fault(error, 1) from None
        raise self._refused("missing-column", f"there is no row {wanted}, which should hold the header")

    def tops(self) -> Iterator[Rows]:
        """The first rows of the file, split by each delimiter."""
        lines = list(islice(io.StringIO(next(self._texts(BLOCK_BYTES), ""), newline=""), ROWS_SEARCHED))
        for delimiter in DELIMITERS:
            yield list(csv.reader(lines, delimiter=delimiter))

    def chunks(self) -> Iterator[Chunk]:
        """Read from the start; the header is row 1, and a blank line counts as a row.

        Raises:
            InputRefused: A row is ragged, a quote never ends, or a byte is NUL or invalid in the encoding.
        """
        row, rest, header_left = self.header_row + 1, "", self._header_length
        for text in self._texts(self._block_bytes):
            rest += text[header_left:]
            header_left = max(0, header_left - len(text))
            cut = rest.rfind(self._line_end) + 1
            columns, tail = self._split(rest[:cut], row, last=False)
            rest = tail + rest[cut:]
            if columns[0]:
                yield Chunk(row, columns)
            row += len(columns[0])
            if len(rest) > MAX_RECORD_LENGTH:
                raise self._refused("quote", f"row {row} never ends; is a quote open, or is this not CSV?", row)
        columns, _ = self._split(rest + "\n" if rest else "", row, last=True)
        if columns[0]:
            yield Chunk(row, columns)

    def _texts(self, block_bytes: int) -> Iterator[str]:
        lines = 1
        decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        with self._opened() as file:
            while data := file.read(block_bytes):
                try:
                    text = decoder.decode(data)
                except UnicodeDecodeError as error:
                    raise self._encoding_fault(lines + error.object[: error.start].count(b"\n")) from None
                if "\0" in text:
                    line = lines + text[: text.index("\0")].count("\n")
                    advice = "save it as CSV UTF-8 (is it a workbook, or UTF-16?)"
                    raise self._refused("nul", f"line {line}: a NUL byte, so this is not text; {advice}", line)
                yield text
                lines += text.count("\n")
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                raise self._encoding_fault(lines) from None

    def _split(self, text: str, row: int, *, last: bool) -> tuple[list[list[str]], str]:
        """The columns of these complete lines, and the rest of the text if a quoted cell is still open."""
        columns = self._split_lines(text)
        return (columns, "") if columns is not None else self._split_records(text, row, last=last)

    def _split_lines(self, text: str) -> list[list[str]] | None:
        """The columns, or None if a line is not a record."""
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
        lines = text.split("\n")
        del lines[-1]
        width = len(self.columns) + self._surplus
        blank = self.delimiter * (width - 1)
        quoted = [position for position, line in enumerate(lines) if '"' in line] if '"' in text else []
        try:
            records = list(csv.reader([lines[position] for position in quoted], delimiter=self.delimiter, strict=True))
        except csv.Error:
            return None
        if len(records) != len(quoted):
            return None
        for position in quoted:
            lines[position] = blank
        if "" in lines:
            lines = [line or blank for line in lines]
        if set(map(str.count, lines, repeat(self.delimiter))) - {width - 1} or any(
            len(record) != width for record in records
        ):
            return None
        cells = self.delimiter.join(lines).split(self.delimiter) if lines else []
        columns = [cells[position::width] for position in range(width)]
        for position, record in zip(quoted, records, strict=True):
            for column, cell in zip(columns, record, strict=True):
                column[position] = cell
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
        for position, record in enumerate(records):
            if len(record) == width + surplus and not any(map(str.strip, record[width:])):
                del record[width:]
            elif len(record) < width and is_trailer(record):
                record.extend([""] * (width - len(record)))
            elif looks_like_another_header(record):
                what = "looks like the header of another table; send each table as a file of its own"
                raise self._refused("second-table", f"row {row + position} {what}", row + position)
            elif len(record) != width or any(record):  # a blank line has the header's length
                ragged.append(position)
        if ragged:
            rows = tuple(row + position for position in ragged[:10])
            more = f" (the first of {len(ragged)} such rows)" if len(ragged) > 1 else ""
            length = len(records[ragged[0]])
            what = f"row {rows[0]} has {length} cell{'s'[: length - 1]} where the header has {width}{more}"
            delimiter = DELIMITERS[self.delimiter]
            raise self._refused("ragged", f"{what}; put cells that hold a {delimiter} in quotes", *rows)

    def _quote_fault(self, error: csv.Error, row: int) -> InputRefused:
        if "expected after" in str(error):
            return self._refused("quote", f'row {row}: text after a closing quote; write a quote in a cell as ""', row)
        return self._refused("quote", f'row {row}: a quote that never ends; close it, or write it as ""', row)

    def _encoding_fault(self, line: int) -> InputRefused:
        encoding = _ENCODING_NAMES.get(self.encoding, self.encoding)
        neither = "neither UTF-8 nor " if self.encoding == "cp1252" else "not "
        what = f"line {line}: {neither}{encoding}; save the file as CSV UTF-8, or say --encoding"
        return self._refused("bad-encoding", what, line)

    def _refused(self, code: str, what: str, *rows: int) -> InputRefused:
        return InputRefused(f"{self.name}: {what}", code=code, rows=rows)


def _line_at(text: str, row: int) -> str:
    lines = text.splitlines(keepends=True)
    return lines[row - 1] if row <= len(lines) else ""


def _delimiter(text: str) -> str:
    """The delimiter in Excel's `sep=` line, or the most frequent one in the header outside quotes; else a comma."""
    if line := _DELIMITER_LINE.match(text):
        return line[1]
    header = re.split("[\r\n]", re.sub(r'"[^"]*"', "", text.lstrip()), maxsplit=1)[0]
    return max(DELIMITERS, key=header.count)

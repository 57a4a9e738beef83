"""Read OpenDocument spreadsheets (.ods, .fods) as a stream, as LibreOffice writes them.

Source: OASIS OpenDocument 1.3, part 3. Cells have a typed value, and the text that a person sees.
"""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, Final, cast
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from armrest.intake.formats.cell_text import HIDDEN, text_of
from armrest.intake.formats.workbooks.excel_stream import MAX_COLUMNS, MAX_ROWS
from armrest.intake.formats.workbooks.number_format import BAD_DATE, CURRENCIES, UNCALCULATED
from armrest.intake.formats.workbooks.xml_workbook import XmlSheet, XmlWorkbook
from armrest.intake.formats.xml_stream import MAX_TEXT_LENGTH, XmlDamaged, xml_parser
from armrest.intake.locations import Opened

_BASE: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _OFFICE, _TEXT, _STYLE = (f"{_BASE}{name}:1.0 " for name in ("table", "office", "text", "style"))
_EXTENSION: Final = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
_CELL: Final = f"{_TABLE}table-cell"
_CELLS: Final = frozenset({_CELL, f"{_TABLE}covered-table-cell"})
_BREAKS: Final = {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}
_NOT_SHOWN: Final = frozenset(
    {f"{_OFFICE}annotation", f"{_TABLE}tracked-changes", f"{_TABLE}shapes", f"{_TABLE}dde-links", f"{_TEXT}note"}
)
_LINES: Final = tuple(f"{_STYLE}text-line-through-{name}" for name in ("style", "type"))
_NO_LINES: Final = frozenset({None, "none"})
_NUMBERS: Final = frozenset({"float", "percentage", "currency"})
_ERROR_TEXTS: Final = ("#", "Err:")
_NAMES: Final = "|".join(sorted(filter(str.isalpha, CURRENCIES)))
_CURRENCY: Final = re.compile(rf"\A(?:{_NAMES})\.?(?=[\s\d-])|(?<=[\s\d-])(?:{_NAMES})\.?\Z", re.IGNORECASE)
_IN_BRACKETS: Final = re.compile(r"\s*\((.*)\)\s*")
"""How accountants write a negative number."""
_SCIENTIFIC: Final = re.compile(r"\s*[-\u2212]?\d+(?:[.,]\d+)?E[-+\u2212]?\d+\s*", re.IGNORECASE)
_ONLY_GROUPED: Final = re.compile(r"\s*[-\u2212]?[\d\s.,\'\u2019\u00a0\u202f€$£%]*(?:,-)?\s*")


def open_document_workbook(opened: Opened) -> XmlWorkbook:
    """Open a spreadsheet of OpenDocument: a zip (.ods) or a single XML file (.fods).

    Raises:
        WorkbookDamaged: It has no tables, or is cut short.
    """
    return XmlWorkbook("OpenDocument", partial(_content, opened), _Content)


def is_encrypted(archive: ZipFile) -> bool:
    """Whether an OpenDocument file is protected by a password."""
    try:
        return b"encryption-data" in archive.read("META-INF/manifest.xml")
    except (KeyError, BadZipFile, zlib.error):
        return False


@contextmanager
def _content(opened: Opened) -> Iterator[BinaryIO]:
    """The XML of the tables."""
    with opened() as file:
        if file.read(2) != b"PK":
            file.seek(0)
            yield file
            return
        with ZipFile(file) as archive, archive.open("content.xml") as part:
            yield cast(BinaryIO, part)


class _Content:
    """Collects the rows of one table, or only what tables there are.

    Attributes:
        done: The table has ended.
    """

    def __init__(self, sheet: str | None) -> None:
        self.sheets: list[XmlSheet] = []
        self.done = False
        self._rows: list[tuple[list[Any], int]] = []
        self._sheet = sheet
        self._hidden_styles: set[str] = set()
        self._struck_styles: set[str | None] = set()
        self._style = ""
        self._depth = 0
        """Of tables: a table inside a cell is not read."""
        self._is_read = False
        self._is_hidden = self._is_struck = False
        self._row_style: str | None = None
        self._hidden_rows = self._row_count = self._blank_rows = 0
        self._row: list[Any] = []
        self._repeated = self._blanks = 0
        self._cell: Mapping[str, str] | None = None
        self._paragraphs: list[list[str]] = []
        self._length = self._skipped = 0
        self.parser: expat.XMLParserType = xml_parser(namespaces=True)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def take(self) -> Iterator[Sequence[Any]]:
        """Yield the rows that were read since the last call; a row may stand for many equal ones."""
        rows, self._rows = self._rows, []
        for values, count in rows:
            for _ in range(count):
                yield values

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._skipped or name in _NOT_SHOWN:
            self._skipped += 1
        elif name == f"{_TABLE}table":
            self._begin_table(attributes)
        elif name.startswith(_STYLE):
            self._read_style(name, attributes)
        elif self._depth == 1:
            self._start_in_table(name, attributes)

    def _start_in_table(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in _CELLS:
            self._cell, self._paragraphs, self._length = attributes, [], 0
            self._is_struck = attributes.get(f"{_TABLE}style-name", self._row_style) in self._struck_styles
        elif name == f"{_TABLE}table-row":
            self._begin_row(attributes)
        elif self._cell is not None and name == f"{_TEXT}p":
            self._paragraphs.append([])
            self.parser.CharacterDataHandler = self._text
        elif name.startswith(_TEXT):
            self._is_struck = self._is_struck or attributes.get(f"{_TEXT}style-name") in self._struck_styles
            blanks = " " * min(int(attributes.get(f"{_TEXT}c", "1")), MAX_TEXT_LENGTH)
            self._text(blanks if name == f"{_TEXT}s" else _BREAKS.get(name, ""))

    def _read_style(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == f"{_STYLE}style":
            self._style = attributes.get(f"{_STYLE}name", "")
        elif name == f"{_STYLE}table-properties" and attributes.get(f"{_TABLE}display") == "false":
            self._hidden_styles.add(self._style)
        elif name == f"{_STYLE}text-properties" and not _NO_LINES.issuperset(map(attributes.get, _LINES)):
            self._struck_styles.add(self._style)

    def _end(self, name: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif name in _CELLS:
            if self._cell is not None and self._depth == 1:
                self._end_cell(self._cell, is_covered=name != _CELL)
        elif name == f"{_TEXT}p":
            self.parser.CharacterDataHandler = None
        elif name == f"{_TABLE}table-row":
            if self._depth == 1:
                self._end_row()
        elif name == f"{_TABLE}table":
            self._depth -= 1
            if self._depth == 0:
                self.sheets[-1].hidden_rows = self._hidden_rows
                self.done = self.done or self._is_read
                self._is_read = False

    def _begin_table(self, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            name = attributes.get(f"{_TABLE}name", "")
            self.sheets.append(XmlSheet(name, attributes.get(f"{_TABLE}style-name") in self._hidden_styles))
            self._is_read = name == self._sheet and not self.done
            self._hidden_rows = self._row_count = self._blank_rows = 0

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        self._row, self._blanks = [], 0
        self._repeated = _count(attributes.get(f"{_TABLE}number-rows-repeated"), MAX_ROWS)
        self._row_style = attributes.get(f"{_TABLE}default-cell-style-name")
        self._is_hidden = attributes.get(f"{_TABLE}visibility", "visible") != "visible"

    def _end_row(self) -> None:
        if self._row_count + self._repeated > MAX_ROWS:
            raise XmlDamaged
        self._row_count += self._repeated
        if not self._row:
            self._blank_rows += self._repeated
            return
        self._hidden_rows += self._repeated if self._is_hidden else 0
        if self._is_read:
            if self._blank_rows:
                self._rows.append(([], self._blank_rows))
            self._rows.append((self._row, self._repeated))
        self._blank_rows = 0

    def _end_cell(self, attributes: Mapping[str, str], *, is_covered: bool) -> None:
        """Add a cell; one that a merged cell covers, or a zero that its format does not show, is empty."""
        count = _count(attributes.get(f"{_TABLE}number-columns-repeated"), MAX_COLUMNS)
        is_blank = is_covered or (self._paragraphs == [[]] and _is_zero(attributes))
        value = "" if is_blank else _value(attributes, "\n".join(map("".join, self._paragraphs)))
        self._cell = None
        value = HIDDEN if self._is_struck and value != "" else value
        if value == "":
            self._blanks += count
            return
        if len(self._row) + self._blanks + count > MAX_COLUMNS:
            raise XmlDamaged
        self._row += [""] * self._blanks + [value] * count
        self._blanks = 0

    def _text(self, text: str) -> None:
        if self._skipped or not self._paragraphs:
            return
        self._length += len(text)
        if self._length > MAX_TEXT_LENGTH:
            raise XmlDamaged
        self._paragraphs[-1].append(text)


def _count(text: str | None, most: int) -> int:
    count = 1 if text is None else int(text)
    if not 0 < count <= most:
        raise XmlDamaged
    return count


def _is_zero(attributes: Mapping[str, str]) -> bool:
    return attributes.get(f"{_OFFICE}value-type") in _NUMBERS and float(attributes[f"{_OFFICE}value"]) == 0


def _value(attributes: Mapping[str, str], shown: str) -> object:
    """The value of a cell, as the text that stands for it."""
    kind = attributes.get(f"{_OFFICE}value-type", "")
    if f"{_TABLE}formula" in attributes and not kind and not shown:
        return UNCALCULATED
    if attributes.get(f"{_EXTENSION}value-type") == "error" or (kind in _NUMBERS and shown.startswith(_ERROR_TEXTS)):
        return shown if shown.startswith("#") else BAD_DATE
    if kind in _NUMBERS:
        number = float(attributes[f"{_OFFICE}value"])
        return shown if kind == "float" and _is_meant(shown, number) else number
    if kind == "date":
        return _moment(attributes[f"{_OFFICE}date-value"])
    if kind == "boolean":
        return attributes.get(f"{_OFFICE}boolean-value") == "true"
    return shown if kind == "time" else attributes.get(f"{_OFFICE}string-value", shown)


def _moment(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _is_meant(shown: str, number: float) -> bool:
    """Whether a person sees zeros, words or signs that the number does not have: `00010`, `K-0010`, `10006 A`."""
    core = _CURRENCY.sub("", _IN_BRACKETS.sub(r"\1", shown))
    if any(map(str.isalpha, core)):
        return _SCIENTIFIC.fullmatch(core) is None
    if _ONLY_GROUPED.fullmatch(core) is None:
        return any(map(str.isdecimal, core))
    digits = "".join(filter(str.isdecimal, core))
    return len(digits) > 1 and digits[0] == "0" and text_of(number) == str(int(digits))

"""Read workbooks of the new format (.xlsx) row by row with expat: slower than python-calamine, in little memory."""

import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Final, cast
from zipfile import BadZipFile, ZipFile

import orjson

from armrest.intake.formats.cell_text import HIDDEN
from armrest.intake.formats.workbooks.excel_parts import DAMAGED, SheetSigns, WorkbookParts, is_switched_on
from armrest.intake.formats.workbooks.number_format import (
    UNCALCULATED,
    Kind,
    NumberFormat,
    date_of_serial,
    duration_of_serial,
)
from armrest.intake.formats.xml_stream import MAX_TEXT_LENGTH, LocalNames, XmlDamaged, feed, xml_parser
from armrest.intake.locations import Opened

LARGE_BYTES: Final = 64 << 20
"""Size of the uncompressed XML; python-calamine needs about twice as much memory."""
PAGE_TEXTS: Final = 1000
PAGES_IN_MEMORY: Final = 50
MAX_ROWS: Final = 1 << 20
MAX_COLUMNS: Final = 1 << 14
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_LETTERS: Final = re.compile("[A-Z]{1,3}")


class WorkbookDamaged(Exception):
    """The bytes of a workbook do not match its format."""


class LargeWorkbook:
    """A workbook of the new format (.xlsx) that is read as a stream.

    Raises:
        WorkbookDamaged: It has no list of sheets that can be read; another library may read it.
    """

    kind = "Excel"

    def __init__(self, opened: Opened) -> None:
        file = opened()
        weakref.finalize(self, file.close)
        try:
            self._archive = ZipFile(file)
            self._parts = WorkbookParts(self._archive)
        except (*DAMAGED, StopIteration):
            raise WorkbookDamaged from None
        self._sheets = {sheet.name: sheet for sheet in self._parts.sheets}
        self.sheet_names = list(self._sheets)
        self.hidden = frozenset(sheet.name for sheet in self._parts.sheets if sheet.is_hidden)
        self.is_large = _xml_bytes(self._archive) > LARGE_BYTES
        self._signs_of: dict[str, SheetSigns] = {}
        self._shared: SharedTexts | None = None

    def hidden_rows(self, sheet: str) -> int:
        """The number of rows that are hidden, by a person or by a filter."""
        return self._signs(sheet).hidden_rows

    def needs_stream(self, sheet: str) -> bool:
        """Whether python-calamine would read this sheet wrongly, or with much memory."""
        return self.is_large or self._signs(sheet).needs_stream

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        """Yield all rows of a sheet from the first, each with its own length.

        Raises:
            WorkbookDamaged: The sheet is cut short, or has an endless cell.
        """
        if self._shared is None and self._parts.shared_texts:
            self._shared = SharedTexts(_texts(self._archive, self._parts.shared_texts))
        reader = _Sheet(self._shared, self._parts)
        try:
            with self._archive.open(self._sheets[sheet].path) as file:
                for _ in feed(reader.parser, cast(BinaryIO, file)):
                    yield from reader.rows
                    reader.rows.clear()
        except DAMAGED:
            raise WorkbookDamaged from None

    def _signs(self, sheet: str) -> SheetSigns:
        if sheet not in self._signs_of:
            try:
                self._signs_of[sheet] = self._parts.signs_of(self._sheets[sheet])
            except DAMAGED:
                raise WorkbookDamaged from None
        return self._signs_of[sheet]


class _Sheet:
    """Collects the rows of a sheet while expat reads."""

    def __init__(self, shared: "SharedTexts | None", parts: WorkbookParts) -> None:
        self.rows: list[Sequence[Any]] = []
        self._shared = shared
        self._formats = parts.formats
        self._is_1904 = parts.is_1904
        self._struck_styles = parts.struck
        self._names = LocalNames()
        self._positions: dict[str, int] = {}
        self._cells: list[Any] = []
        self._row = 0
        self._column = 0
        self._type = self._style = ""
        self._value: str | None = None
        self._texts: list[str] | None = None
        self._length = 0
        self._is_spoken = self._has_formula = self._is_struck = False
        self.parser = xml_parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = self._names[name]
        if local == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._position(reference)
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._value, self._has_formula = None, False
            self._is_struck = self._style in self._struck_styles
        elif local == "f":
            self._has_formula = True
        elif local == "v" or (local == "t" and self._type == "inlineStr" and not self._is_spoken):
            self._texts, self._length = [], 0
            self.parser.CharacterDataHandler = self._text
        elif local == "row":
            number = attributes.get("r")
            self._begin_row(self._row + 1 if number is None else int(number))
        elif local == "rPh":
            self._is_spoken = True
        elif local == "strike":
            self._is_struck = self._is_struck or is_switched_on(attributes)

    def _end(self, name: str) -> None:
        local = self._names[name]
        if self._texts is not None:
            if local in {"v", "t"}:
                self._value = (self._value or "") + "".join(self._texts)
                self._texts, self.parser.CharacterDataHandler = None, None
        elif local == "c":
            if self._value:
                value = self._converted(self._value)
                self._put(HIDDEN if self._is_struck and value != "" else value)
            elif self._has_formula and self._type != "str":
                self._put(UNCALCULATED)
        elif local == "row":
            self.rows.append(self._cells)
            self._cells = []
        elif local == "rPh":
            self._is_spoken = False

    def _begin_row(self, number: int) -> None:
        """Add the empty rows that the file leaves out."""
        if not self._row < number <= MAX_ROWS:
            raise XmlDamaged
        self.rows.extend([[]] * (number - self._row - 1))
        self._row = number
        self._column = 0

    def _put(self, value: object) -> None:
        cells, lacking = self._cells, self._column - len(self._cells)
        if lacking > 1:
            cells.extend([""] * (lacking - 1))
        elif lacking < 1:
            raise XmlDamaged
        cells.append(value)

    def _position(self, reference: str) -> int:
        """The number of a column, from 1."""
        letters = reference.rstrip("0123456789")
        if position := self._positions.get(letters):
            return position
        if not _LETTERS.fullmatch(letters):
            raise XmlDamaged
        for letter in letters:
            position = (position or 0) * 26 + ord(letter) - 64
        if not 0 < (position or 0) <= MAX_COLUMNS:
            raise XmlDamaged
        self._positions[letters] = position or 0
        return position or 0

    def _text(self, text: str) -> None:
        if self._texts is not None:
            self._length += len(text)
            if self._length > MAX_TEXT_LENGTH:
                raise XmlDamaged
            self._texts.append(text)

    def _converted(self, value: str) -> object:
        """The value of a cell, by its type and its number format."""
        kind = self._type
        if kind == "s":
            if self._shared is None:
                raise XmlDamaged
            return self._shared[int(value)]
        if kind == "n":
            number = float(value)
            number_format = self._formats[int(self._style)] if self._style and self._formats else None
            return number if number_format is None else self._formatted(number, number_format)
        if kind == "b":
            return value.strip() in {"1", "true"}
        if kind == "d":
            return datetime.fromisoformat(value)
        return value if kind == "e" else unescaped(value)

    def _formatted(self, number: float, number_format: NumberFormat) -> object:
        if number_format.kind is Kind.DATE:
            return date_of_serial(number, is_1904=self._is_1904)
        if number_format.kind is Kind.DURATION:
            return duration_of_serial(number)
        padded = number_format.padded(number)
        return number if padded is None else padded


class SharedTexts:
    """The shared texts of a workbook, read only as far as needed and kept on disk."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._file = TemporaryFile()  # noqa: SIM115  closed with this object
        weakref.finalize(self, self._file.close)
        self._starts = [0]
        self._page = lru_cache(PAGES_IN_MEMORY)(self._load)

    def __getitem__(self, index: int) -> str:
        page, place = divmod(index, PAGE_TEXTS)
        while len(self._starts) < page + 2:
            self._keep(list(islice(self._texts, PAGE_TEXTS)))
        return self._page(page)[place]

    def _keep(self, texts: list[str]) -> None:
        if not texts:
            raise IndexError
        self._file.seek(self._starts[-1])
        self._starts.append(self._starts[-1] + self._file.write(orjson.dumps(texts)))

    def _load(self, page: int) -> list[str]:
        self._file.seek(self._starts[page])
        texts: list[str] = orjson.loads(self._file.read(self._starts[page + 1] - self._starts[page]))
        return texts


class _SharedItems:
    """Collects the plain text of each shared text, without the phonetic guides of East Asian texts.

    A text that is struck out in part is `HIDDEN`.
    """

    def __init__(self) -> None:
        self.items: list[str] = []
        self._names = LocalNames()
        self._parts: list[str] = []
        self._length = 0
        self._is_spoken = self._is_struck = False
        self.parser = xml_parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = self._names[name]
        if local == "si":
            self._parts, self._length, self._is_struck = [], 0, False
        elif local == "strike":
            self._is_struck = self._is_struck or is_switched_on(attributes)
        elif local == "rPh":
            self._is_spoken = True
        elif local == "t" and not self._is_spoken:
            self.parser.CharacterDataHandler = self._text

    def _end(self, name: str) -> None:
        local = self._names[name]
        if local == "t":
            self.parser.CharacterDataHandler = None
        elif local == "rPh":
            self._is_spoken = False
        elif local == "si":
            text = unescaped("".join(self._parts))
            self.items.append(HIDDEN if self._is_struck and text else text)

    def _text(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_TEXT_LENGTH:
            raise XmlDamaged
        self._parts.append(text)


def unescaped(text: str) -> str:
    """A text with its control characters, which the format writes as `_x000D_`."""
    return _ESCAPED.sub(_sign, text) if "_x" in text else text


def _sign(escaped: re.Match[str]) -> str:
    sign = chr(int(escaped[1], 16))
    return escaped[0] if "\ud800" <= sign <= "\udfff" else sign


def is_large(file: IO[bytes]) -> bool:
    """Whether a file is a workbook of the new format that is too large for memory."""
    with suppress(BadZipFile), ZipFile(file) as archive:
        return _xml_bytes(archive) > LARGE_BYTES
    return False


def _xml_bytes(archive: ZipFile) -> int:
    return sum(part.file_size for part in archive.infolist() if part.filename.endswith(".xml"))


def _texts(archive: ZipFile, part: str) -> Iterator[str]:
    reader = _SharedItems()
    with archive.open(part) as file:
        for _ in feed(reader.parser, cast(BinaryIO, file)):
            yield from reader.items
            reader.items.clear()

"""Find what python-calamine does not tell of old workbooks (.xls): error cells, leading zeros, and hidden rows.

An old workbook is a compound file of sectors. One of its streams is the workbook: records with a kind, a length and
data. Sources: [MS-CFB] for the container, [MS-XLS] for BoundSheet8, BoolErr, Formula, Format, Font, XF, Number, RK,
MulRk, Label, LabelSst, RString and Row.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

from armrest.intake.formats.cell_text import HIDDEN
from armrest.intake.formats.workbooks.excel_stream import WorkbookDamaged
from armrest.intake.formats.workbooks.number_format import Kind, NumberFormat

Texts = Mapping[tuple[int, int], str]
"""The text of cells that are read as empty or without their zeros, by row and column, both from 0."""

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST_SECTOR: Final = 0xFFFFFFFA
"""Higher numbers are not sectors, but the end of a chain or a free sector."""
_ENTRY_BYTES: Final = 128
_STREAMS: Final = ("workbook", "book")
_EOF, _FORMULA, _BOUND_SHEET, _BOOL_ERR = 0x0A, 0x06, 0x85, 0x205
_FORMAT, _STYLE, _ROW, _NUMBER, _RK, _MANY_RK = 0x41E, 0xE0, 0x208, 0x203, 0x27E, 0xBD
_FONT, _LABELS = 0x31, frozenset({0x204, 0xFD, 0xD6})
_IS_HIDDEN: Final = 0x20
_IS_STRUCK: Final = 0x08
_FONT_LEFT_OUT: Final = 4
"""No font has this index; the fifth has the next."""
_EMPTY_TEXT: Final = 3
_IS_WIDE: Final = 1
_NO_NUMBER: Final = 0xFFFF
"""In the last two bytes of a formula's result: it is a text, a truth value or an error."""
_BEGINS: Final = (0x809, 0x409, 0x209, 0x09)
_TEXTS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_UNKNOWN: Final = "#UNKNOWN!"


@dataclass(slots=True)
class SheetTexts:
    """What the library does not tell of one sheet."""

    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: int = 0


def seen_texts(file: IO[bytes]) -> list[SheetTexts]:
    """What is seen of each sheet, in the workbook's order; an empty list if this is not an old workbook.

    Raises:
        WorkbookDamaged: It is an old workbook that cannot be searched.
    """
    data = file.read(len(_OLE))
    if data != _OLE:
        return []
    try:
        book = _Container(data + file.read()).stream(_STREAMS)
        formats, struck = _formats(book), _struck_styles(book)
        return [_texts_in(book, index, formats, struck) for index in _sheets(book)]
    except (struct.error, IndexError, KeyError, ValueError):
        raise WorkbookDamaged from None


def with_texts(rows: Iterator[Sequence[Any]], texts: Texts) -> Iterator[Sequence[Any]]:
    """The rows with these texts laid over them."""
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in texts.items():
        by_row.setdefault(row, []).append((column, text))
    index = -1
    for index, values in enumerate(rows):
        yield _laid_over(values, by_row[index]) if index in by_row else values
    for row in range(index + 1, max(by_row) + 1):
        yield _laid_over([], by_row.get(row, []))


def _laid_over(values: Sequence[Any], texts: Sequence[tuple[int, str]]) -> list[Any]:
    width = max([len(values), *(column + 1 for column, _ in texts)])
    changed = [*values, *[""] * (width - len(values))]
    for column, text in texts:
        changed[column] = text
    return changed


def _sheets(book: bytes) -> Iterator[int]:
    """The offset of each sheet."""
    for kind, offset, _ in _records(book, 0):
        if kind == _BOUND_SHEET:
            yield struct.unpack_from("<I", book, offset)[0]


def _formats(book: bytes) -> list[NumberFormat | None]:
    """The number format of each style; None if it shows no zeros or signs of its own."""
    codes: dict[int, str] = {}
    numbers: list[int] = []
    for kind, offset, length in _records(book, 0):
        if kind == _FORMAT:
            number, count, flags = struct.unpack_from("<HHB", book, offset)
            is_wide = flags & _IS_WIDE
            text = book[offset + 5 : offset + 5 + count * (2 if is_wide else 1)]
            codes[number] = text.decode("utf-16-le" if is_wide else "latin-1", "replace")
        elif kind == _STYLE and length >= 4:  # noqa: PLR2004  a font and a format
            numbers.append(struct.unpack_from("<H", book, offset + 2)[0])
    padded: dict[int, NumberFormat] = {}
    for number, code in codes.items():
        number_format = NumberFormat(code)
        if number_format.kind is Kind.PADDED:
            padded[number] = number_format
    return [padded.get(number) for number in numbers] if padded else []


def _struck_styles(book: bytes) -> frozenset[int]:
    """The indexes of the styles whose font is struck out; one that is struck out in part is not found."""
    fonts: list[bool] = []
    styles: list[int] = []
    for kind, offset, _ in _records(book, 0):
        if kind == _FONT:
            fonts.append(bool(book[offset + 2] & _IS_STRUCK))
        elif kind == _STYLE:
            styles.append(struct.unpack_from("<H", book, offset)[0])
    struck = {index + (index >= _FONT_LEFT_OUT) for index, is_struck in enumerate(fonts) if is_struck}
    return frozenset(index for index, font in enumerate(styles) if font in struck)


def _struck_cells(book: bytes, kind: int, offset: int, length: int) -> Iterator[tuple[int, int, int]]:
    """The row, the column and the style of each filled cell in a record."""
    if kind in _LABELS or kind == _BOOL_ERR or (kind == _FORMULA and not _is_empty_text(book, offset)):
        yield struct.unpack_from("<HHH", book, offset)
    elif kind != _FORMULA:
        yield from (cell[:3] for cell in _numbers_in(book, kind, offset, length))


def _is_empty_text(book: bytes, offset: int) -> bool:
    result, _, mark = struct.unpack_from("<B5sH", book, offset + 6)
    return bool(mark == _NO_NUMBER and result == _EMPTY_TEXT)


def _texts_in(book: bytes, start: int, formats: Sequence[NumberFormat | None], struck: frozenset[int]) -> SheetTexts:
    seen = SheetTexts()
    for kind, offset, length in _records(book, start):
        if kind == _ROW:
            seen.hidden_rows += bool(struct.unpack_from("<H", book, offset + 12)[0] & _IS_HIDDEN)
        elif kind in {_BOOL_ERR, _FORMULA} and (error := _error_in(book, kind, offset)):
            row, column = struct.unpack_from("<HH", book, offset)
            seen.texts[row, column] = error
        elif formats:
            for row, column, style, value in _numbers_in(book, kind, offset, length):
                number_format = formats[style] if style < len(formats) else None
                text = number_format.padded(value) if number_format else None
                if text is not None:
                    seen.texts[row, column] = text
        if struck:
            cells = _struck_cells(book, kind, offset, length)
            seen.texts.update(((row, column), HIDDEN) for row, column, style in cells if style in struck)
    return seen


def _error_in(book: bytes, kind: int, offset: int) -> str | None:
    """The text of an error cell; None if the cell has another value."""
    if kind == _BOOL_ERR:
        value, is_error = struct.unpack_from("<BB", book, offset + 6)
        return _TEXTS.get(value, _UNKNOWN) if is_error else None
    result_kind, _, value, _, mark = struct.unpack_from("<BBB3sH", book, offset + 6)
    is_error = mark == _NO_NUMBER and result_kind == 2  # noqa: PLR2004  the result is an error, not a number
    return _TEXTS.get(value, _UNKNOWN) if is_error else None


def _numbers_in(book: bytes, kind: int, offset: int, length: int) -> Iterator[tuple[int, int, int, float]]:
    """The row, the column, the style and the value of each number in a record."""
    if kind in {_NUMBER, _FORMULA}:
        if kind == _NUMBER or struct.unpack_from("<H", book, offset + 12)[0] != _NO_NUMBER:
            yield struct.unpack_from("<HHHd", book, offset)
    elif kind == _RK:
        row, column, style, number = struct.unpack_from("<HHHI", book, offset)
        yield row, column, style, _of_rk(number)
    elif kind == _MANY_RK:
        row, column = struct.unpack_from("<HH", book, offset)
        for index, (style, number) in enumerate(struct.iter_unpack("<HI", book[offset + 4 : offset + length - 2])):
            yield row, column + index, style, _of_rk(number)


def _of_rk(number: int) -> float:
    """The value of a number in 32 bits: an integer or half a double, maybe in hundredths."""
    if number & 2:
        value = float((number >> 2) - (1 << 30 if number & 0x80000000 else 0))
    else:
        value = float(struct.unpack("<d", struct.pack("<II", 0, number & 0xFFFFFFFC))[0])
    return value / 100 if number & 1 else value


def _records(book: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Kind, offset and length of each record of the substream that starts here; embedded charts are skipped."""
    depth = 0
    while start + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, start)
        if kind in _BEGINS:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            yield kind, start + 4, length
        start += 4 + length
    raise ValueError


class _Container:
    """A compound file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._sector = 1 << struct.unpack_from("<H", data, 30)[0]
        fat_sectors, first_of_directory = struct.unpack_from("<II", data, 44)
        self._mini_cutoff, first_of_mini_fat, _, first_of_more, _ = struct.unpack_from("<IIIII", data, 56)
        self._mini_sector = 1 << struct.unpack_from("<H", data, 32)[0]
        sectors = [*struct.unpack_from("<109I", data, 76)]
        while first_of_more < _LAST_SECTOR and len(sectors) < fat_sectors:
            *more, first_of_more = self._numbers(self._sector_data(first_of_more))
            sectors += more
        self._fat = [number for sector in sectors[:fat_sectors] for number in self._numbers(self._sector_data(sector))]
        self._directory = self._chain(first_of_directory)
        self._mini_fat = self._numbers(self._chain(first_of_mini_fat))

    def stream(self, names: Sequence[str]) -> bytes:
        """The stream of the first of these names that exists, ignoring case."""
        streams: dict[str, tuple[int, int]] = {}
        for index in range(0, len(self._directory), _ENTRY_BYTES):
            entry = self._directory[index : index + _ENTRY_BYTES]
            length = max(0, struct.unpack_from("<H", entry, 64)[0] - 2)
            start, size = struct.unpack_from("<II", entry, 116)
            streams.setdefault(entry[:length].decode("utf-16-le", "replace").casefold(), (start, size))
        start, size = next(streams[name] for name in names if name in streams) if streams else (0, 0)
        if size >= self._mini_cutoff:
            return self._chain(start)[:size]
        minis = self._chain(struct.unpack_from("<I", self._directory, 116)[0])
        return b"".join(
            minis[sector * self._mini_sector : (sector + 1) * self._mini_sector]
            for sector in _followed(self._mini_fat, start)
        )[:size]

    def _chain(self, start: int) -> bytes:
        return b"".join(map(self._sector_data, _followed(self._fat, start)))

    def _sector_data(self, sector: int) -> bytes:
        return self._data[(sector + 1) * self._sector : (sector + 2) * self._sector]

    def _numbers(self, data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])


def _followed(table: Sequence[int], start: int) -> Iterator[int]:
    """The sector numbers of a chain."""
    for _ in range(len(table) + 1):
        if start >= _LAST_SECTOR:
            return
        yield start
        start = table[start]
    raise ValueError

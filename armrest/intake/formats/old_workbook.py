"""Find the error cells of old workbooks (.xls), which python-calamine reads as empty.

An old workbook is a compound file of sectors. One of its streams is the workbook: records with a kind, a length and
data. Sources: [MS-CFB] for the container, [MS-XLS] for BoundSheet8, BoolErr and Formula.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Final

from armrest.intake.formats.excel_stream import WorkbookDamaged

Errors = Mapping[tuple[int, int], str]
"""The text of each error cell, by row and column, both from 0."""

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST_SECTOR: Final = 0xFFFFFFFA
"""Higher numbers are not sectors, but the end of a chain or a free sector."""
_ENTRY_BYTES: Final = 128
_STREAMS: Final = ("workbook", "book")
_EOF, _FORMULA, _BOUND_SHEET, _BOOL_ERR = 0x0A, 0x06, 0x85, 0x205
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
_MAY_BE_ERROR: Final = re.compile(rb"\x05\x02\x08\x00|\x02.{5}\xff\xff", re.DOTALL)
"""A BoolErr header, or an error result of a Formula; without either, the records need not be read."""


def error_cells(file: IO[bytes]) -> list[Errors]:
    """The error cells of each sheet, in the workbook's order; an empty list if there are none.

    Raises:
        WorkbookDamaged: It is an old workbook that cannot be searched.
    """
    data = file.read(len(_OLE))
    if data != _OLE:
        return []
    try:
        book = _Container(data + file.read()).stream(_STREAMS)
        if _MAY_BE_ERROR.search(book) is None:
            return []
        return [dict(_errors_in(book, index)) for index in _sheets(book)]
    except (struct.error, IndexError, KeyError, ValueError):
        raise WorkbookDamaged from None


def with_errors(rows: Iterator[Sequence[Any]], errors: Errors) -> Iterator[Sequence[Any]]:
    """The rows with the texts of error cells filled in."""
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in errors.items():
        by_row.setdefault(row, []).append((column, text))
    index = -1
    for index, values in enumerate(rows):
        yield _laid_over(values, by_row[index]) if index in by_row else values
    for row in range(index + 1, max(by_row) + 1):
        yield _laid_over([], by_row.get(row, []))


def _laid_over(values: Sequence[Any], errors: Sequence[tuple[int, str]]) -> list[Any]:
    width = max([len(values), *(column + 1 for column, _ in errors)])
    changed = [*values, *[""] * (width - len(values))]
    for column, text in errors:
        changed[column] = text
    return changed


def _sheets(book: bytes) -> Iterator[int]:
    """The offset of each sheet."""
    for kind, offset, _ in _records(book, 0):
        if kind == _BOUND_SHEET:
            yield struct.unpack_from("<I", book, offset)[0]


def _errors_in(book: bytes, start: int) -> Iterator[tuple[tuple[int, int], str]]:
    for kind, offset, _ in _records(book, start):
        if kind == _BOOL_ERR:
            row, column, _, value, is_error = struct.unpack_from("<HHHBB", book, offset)
            if is_error:
                yield (row, column), _TEXTS.get(value, _UNKNOWN)
        elif kind == _FORMULA:
            row, column, _, result_kind, _, value, _, mark = struct.unpack_from("<HHHBBB3sH", book, offset)
            if mark == 0xFFFF and result_kind == 2:  # noqa: PLR2004  the result is an error, not a number
                yield (row, column), _TEXTS.get(value, _UNKNOWN)


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

"""Read large workbooks row by row with openpyxl: slower than python-calamine, with at most a third of its memory."""

import re
import warnings
import weakref
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError, iterparse
from zipfile import BadZipFile, ZipFile

import orjson
from openpyxl.reader.excel import ExcelReader
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from armrest.intake.locations import Opened

LARGE_BYTES: Final = 64 << 20
"""Size of the uncompressed XML; python-calamine needs about twice as much memory."""
PAGE_TEXTS: Final = 1000
PAGES_IN_MEMORY: Final = 50
_ERROR_TYPE: Final = re.compile(rb"""\st\s*=\s*["']e["']""")
_MARK_BYTES: Final = 32
_PIECE_BYTES: Final = 1 << 20
_TEXT: Final = f"{{{SHEET_MAIN_NS}}}t"
_RUN: Final = f"{{{SHEET_MAIN_NS}}}r/{_TEXT}"
_ITEM: Final = f"{{{SHEET_MAIN_NS}}}si"
_DAMAGED: Final = (ParseError, BadZipFile, zlib.error, EOFError, KeyError, IndexError, ValueError)

warnings.filterwarnings("ignore", module="openpyxl")  # about styles and ink, which do not matter here


class WorkbookDamaged(Exception):
    """The bytes of a workbook do not match its format."""


class LargeWorkbook:
    """A workbook of the new format (.xlsx) that is read as a stream.

    Raises:
        WorkbookDamaged: This library cannot open it; another one may.
    """

    def __init__(self, opened: Opened) -> None:
        file = opened()
        weakref.finalize(self, file.close)
        reader = _Reader(file, read_only=True, data_only=True, keep_links=False)
        try:
            reader.read()
        except Exception:  # noqa: BLE001  an unknown style or name is no reason to refuse a table
            raise WorkbookDamaged from None
        self._pages = {page.title: page for page in reader.wb.worksheets}
        self.sheet_names = list(self._pages)
        self.hidden = frozenset(name for name, page in self._pages.items() if page.sheet_state != "visible")

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        """Yield all rows of a sheet from the first, each with its own length.

        Raises:
            WorkbookDamaged: The sheet is cut short.
        """
        page = self._pages[sheet]
        page.reset_dimensions()  # some programs write wrong dimensions, such as A1
        try:
            for row in page.iter_rows(values_only=True):
                yield [float(cell) if type(cell) is int else "" if cell is None else cell for cell in row]
        except _DAMAGED:
            raise WorkbookDamaged from None


def is_large(file: IO[bytes]) -> bool:
    """Whether a file is a workbook of the new format that is too large for memory."""
    with suppress(BadZipFile), ZipFile(file) as archive:
        parts = [part for part in archive.infolist() if part.filename.endswith(".xml")]
        return sum(part.file_size for part in parts) > LARGE_BYTES
    return False


def is_binary(file: IO[bytes]) -> bool:
    """Whether a file is a binary workbook (.xlsb), whatever its name."""
    with suppress(BadZipFile), ZipFile(file) as archive:
        return any(name.lower().endswith("workbook.bin") for name in archive.namelist())
    return False


def has_error_cells(file: IO[bytes]) -> bool:
    """Whether a workbook of the new format has an error cell such as #REF!, which some libraries read as blank."""
    with suppress(BadZipFile), ZipFile(file) as archive:
        return any(
            _holds_error(archive, name)
            for name in archive.namelist()
            if name.endswith(".xml") and "/worksheets/" in f"/{name}"
        )
    return False


def _holds_error(archive: ZipFile, part: str) -> bool:
    rest = b""
    with archive.open(part) as file:
        while piece := file.read(_PIECE_BYTES):
            text = rest + piece
            if (b'"e"' in text or b"'e'" in text) and _ERROR_TYPE.search(text):
                return True
            rest = piece[-_MARK_BYTES:]
    return False


class _Reader(ExcelReader):  # type: ignore[misc]  # the library is not typed
    """The library's reader, except for the shared texts, which it would hold in memory."""

    def read_strings(self) -> None:
        part = self.package.find(SHARED_STRINGS)
        if part is not None:
            self.shared_strings = SharedTexts(_texts(self.archive, part.PartName.removeprefix("/")))


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


def _texts(archive: ZipFile, part: str) -> Iterator[str]:
    """Yield the plain text of each entry, without the phonetic guides of East Asian texts."""
    with archive.open(part) as file:
        parsing = iterparse(file, events=("start", "end"))  # noqa: S314  as openpyxl does; expat limits expansion
        _, root = next(parsing)
        for event, node in parsing:
            if event == "end" and node.tag == _ITEM:
                yield "".join(text.text or "" for text in (*node.iterfind(_TEXT), *node.iterfind(_RUN)))
                root.clear()

"""Read spreadsheets as a person sees them: Excel, new and old, Excel's XML of 2003, and OpenDocument."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Protocol
from zipfile import BadZipFile, ZipFile

from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum, load_workbook

from armrest.intake.errors import InputRefused
from armrest.intake.formats.cell_text import texts_of
from armrest.intake.formats.file_kinds import old_document_kind
from armrest.intake.formats.headers import ROWS_SEARCHED, Rows, heading
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.formats.workbooks.excel_parts import is_binary
from armrest.intake.formats.workbooks.excel_stream import LargeWorkbook, WorkbookDamaged, is_large
from armrest.intake.formats.workbooks.excel_xml import excel_xml_workbook
from armrest.intake.formats.workbooks.old_workbook import SheetTexts, seen_texts, with_texts
from armrest.intake.formats.workbooks.open_document import is_encrypted, open_document_workbook
from armrest.intake.locations import Opened
from armrest.intake.table_options import AS_DETECTED, TableOptions
from armrest.model import nearest
from armrest.tabular import has_guard_mark

BLOCK_ROWS: Final = 5000
MOST_NAMED: Final = 5
"""Sheets that the description names."""
_LOCKED: Final = re.compile(
    re.escape("EncryptedPackage".encode("utf-16-le")) + rb"|\x09\x08\x10\0\0\x06\x05\0.{12}(?:\x86\0\0\0)?\x2f\0",
    re.DOTALL,
)
"""Marks of protected workbooks: a stream of this name in new ones, a FILEPASS record at the start of old ones."""


class Workbook(Protocol):
    """What every kind of workbook provides; its cells have one contract, so that its format does not matter.

    A cell is a text, a number, a bool, a date, or `""`. A number that is shown with leading zeros or fixed signs is the
    text that is shown. An error cell is its text, such as `#REF!`.
    """

    kind: str
    sheet_names: list[str]
    hidden: frozenset[str]

    def hidden_rows(self, sheet: str) -> int:
        """The number of rows that are hidden, by a person or by a filter."""

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        """Yield all rows of a sheet, including leading blank ones."""


class ExcelTable(PlainTable):
    """One sheet of a workbook; its header is the first row that is not blank.

    Args:
        options: `sheet`; and `header_row`, which a rejects file needs not.

    Raises:
        InputRefused: The workbook is damaged, protected, or binary, or has no such sheet, or the sheet is empty.
    """

    loses_zeros = True

    def __init__(self, name: str, opened: Opened, options: TableOptions = AS_DETECTED) -> None:
        self.name = name
        with opened() as file:
            if is_binary(file):
                raise self._refused(
                    "binary-workbook", "a binary workbook (.xlsb); open it in Excel and save it as .xlsx"
                )
        try:
            self._workbook = _workbook(opened)
        except WorkbookDamaged:
            if _is_locked(opened):
                raise self._refused("password", "protected by a password; save it without one") from None
            if kind := _other_kind(opened):
                raise self._refused("other-format", f"this is {kind[0]}; {kind[1]}") from None
            raise self._damaged() from None
        self._sheet = self._sheet_of(options.sheet)
        self.description = f"{self._workbook.kind}, sheet {self._sheet}{self._remarks()}"
        header = next(((row, values) for row, values in enumerate(self._rows(), start=1) if any(values)), None)
        if header is None:
            raise self._refused("empty", f'the sheet "{self._sheet}" is empty')
        header_row = options.header_row
        if header_row is not None and not has_guard_mark(texts_of(header[1])):
            header = next((it for it in enumerate(self._rows(), start=1) if it[0] == header_row), None)
            if header is None:
                raise self._refused("missing-column", f"there is no row {header_row}, which should hold the header")
        self.header_row = header[0]
        self.columns = tuple(map(heading, texts_of(header[1])))

    def chunks(self) -> Iterator[Chunk]:
        """Read from the row after the header."""
        first_row = self.header_row + 1
        rows = (self._filled_up(row, values) for row, values in enumerate(self._rows(), start=1) if row >= first_row)
        while block := list(islice(rows, BLOCK_ROWS)):
            if any(map(any, block)):
                yield Chunk(first_row, [texts_of(column) for column in zip(*block, strict=True)])
            first_row += len(block)

    def tops(self) -> Iterator[Rows]:
        """The first rows of the sheet."""
        yield [texts_of(values) for values in islice(self._rows(), ROWS_SEARCHED)]

    def _rows(self) -> Iterator[Sequence[Any]]:
        try:
            yield from self._workbook.rows(self._sheet)
        except WorkbookDamaged:
            raise self._damaged() from None

    def _filled_up(self, row: int, values: Sequence[Any]) -> Sequence[Any]:
        """The row, padded or cut to the length of the header."""
        lacking = len(self.columns) - len(values)
        if lacking >= 0:
            return [*values, *[""] * lacking] if lacking else values
        if any(values[lacking:]):
            what = f"row {row} fills column {len(values)}, which has no name; name it, or clear its cells"
            raise InputRefused(f"{self.name}: {what}", code="unknown-column", rows=(row,))
        return values[:lacking]

    def _sheet_of(self, sheet: str | None) -> str:
        names = self._workbook.sheet_names
        if sheet is None:
            visible = [name for name in names if name not in self._workbook.hidden]
            if not visible:
                what = "all of its sheets are hidden; unhide one in Excel, or name it in a mapping (sheet:)"
                raise self._refused("no-such-sheet", what)
            return visible[0]
        if sheet not in names:
            close = nearest(sheet, {name: name for name in names})
            raise self._refused("no-such-sheet", f'there is no sheet "{sheet}" (the nearest is "{close}")')
        return sheet

    def _remarks(self) -> str:
        """A note for the description: the sheets that are not read, and the rows that are read though hidden."""
        names, hidden = self._workbook.sheet_names, self._workbook.hidden
        remarks = []
        if self._sheet in hidden:
            remarks.append("which is hidden")
        elif set(names[: names.index(self._sheet)]) & hidden:
            remarks.append("the first visible one")
        others = [name for name in names if name != self._sheet]
        for what, sheets in (
            ("not read", [name for name in others if name not in hidden]),
            ("hidden, not read", [name for name in others if name in hidden]),
        ):
            if sheets:
                more = f" and {len(sheets) - MOST_NAMED} more" if len(sheets) > MOST_NAMED else ""
                remarks.append(f"{what}: {', '.join(map(_printable, sheets[:MOST_NAMED]))}{more}")
        if rows := self._workbook.hidden_rows(self._sheet):
            remarks.append(f"hidden or filtered rows, which are read, too: {rows}")
        return f" ({'; '.join(remarks)})" if remarks else ""

    def _damaged(self) -> InputRefused:
        return self._refused("damaged", "not a readable workbook; open it in Excel and save it again")

    def _refused(self, code: str, what: str) -> InputRefused:
        return InputRefused(f"{self.name}: {what}", code=code)


def _printable(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _workbook(opened: Opened) -> Workbook:
    """Open a workbook by its first bytes.

    Raises:
        WorkbookDamaged: It cannot be read.
    """
    with opened() as file:
        start = file.read(2)
    if start == b"PK":
        return _zipped_workbook(opened)
    if start == b"\xd0\xcf":
        return _WorkbookInMemory(opened)
    with suppress(WorkbookDamaged):
        return excel_xml_workbook(opened)
    return open_document_workbook(opened)


def _zipped_workbook(opened: Opened) -> Workbook:
    with suppress(BadZipFile), opened() as file, ZipFile(file) as archive:
        if "content.xml" in archive.namelist():
            return open_document_workbook(opened)
    stream: LargeWorkbook | None = None
    with suppress(WorkbookDamaged):
        stream = LargeWorkbook(opened)
    if stream is None:
        with opened() as file:
            if is_large(file):
                raise WorkbookDamaged
        return _WorkbookInMemory(opened)
    return stream if stream.is_large else _StreamedIfNeeded(opened, stream)


class _WorkbookInMemory:
    """A workbook read by python-calamine: an old one, or a new one whose parts have unusual names.

    Raises:
        WorkbookDamaged: It cannot be read, or it is an old one that cannot be searched for error cells.
    """

    kind = "Excel"

    def __init__(self, opened: Opened) -> None:
        try:
            with opened() as file:
                self._workbook = load_workbook(file)
        except CalamineError:
            raise WorkbookDamaged from None
        sheets = [sheet for sheet in self._workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        self.sheet_names = [sheet.name for sheet in sheets]
        self.hidden = frozenset(sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible)
        with opened() as file:
            self._seen = seen_texts(file)

    def hidden_rows(self, sheet: str) -> int:
        return self._of_sheet(sheet).hidden_rows

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        page = self._workbook.get_sheet_by_name(sheet)
        rows: Iterator[Sequence[Any]] = iter(page.iter_rows()) if page.start is not None else iter(())
        texts = self._of_sheet(sheet).texts
        return with_texts(rows, texts) if texts else rows

    def _of_sheet(self, sheet: str) -> SheetTexts:
        names = [it.name for it in self._workbook.sheets_metadata]
        return self._seen[names.index(sheet)] if self._seen else SheetTexts()


class _StreamedIfNeeded:
    """A new workbook: a sheet is read by python-calamine unless that would read a cell wrongly, or need much memory."""

    kind = "Excel"

    def __init__(self, opened: Opened, stream: LargeWorkbook) -> None:
        self._opened = opened
        self._stream = stream
        self.sheet_names = stream.sheet_names
        self.hidden = stream.hidden
        self._fast: _WorkbookInMemory | None = None

    def hidden_rows(self, sheet: str) -> int:
        return self._stream.hidden_rows(sheet)

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        if self._stream.needs_stream(sheet):
            return self._stream.rows(sheet)
        self._fast = self._fast or _WorkbookInMemory(self._opened)
        return self._fast.rows(sheet)


def _is_locked(opened: Opened) -> bool:
    """Whether a workbook is protected; the libraries only report an unknown format."""
    with opened() as file:
        if file.read(2) == b"PK":
            with suppress(BadZipFile), ZipFile(file) as archive:
                return is_encrypted(archive)
            return False
        file.seek(0)
        return _LOCKED.search(file.read()) is not None


def _other_kind(opened: Opened) -> tuple[str, str] | None:
    with opened() as file:
        return old_document_kind(file.read())

"""Read Excel workbooks, new and old, with python-calamine in memory; large ones as a stream."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Protocol

from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum, load_workbook

from armrest.intake.errors import InputRefused
from armrest.intake.formats.cell_text import texts_of
from armrest.intake.formats.column_names import Rows
from armrest.intake.formats.excel_stream import LargeWorkbook, WorkbookDamaged, has_error_cells, is_binary, is_large
from armrest.intake.formats.header_search import ROWS_SEARCHED
from armrest.intake.formats.old_workbook import error_cells, with_errors
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.locations import Opened
from armrest.model import nearest
from armrest.tabular import has_guard_mark

BLOCK_ROWS: Final = 5000
_LOCKED: Final = re.compile(
    re.escape("EncryptedPackage".encode("utf-16-le")) + rb"|\x09\x08\x10\0\0\x06\x05\0.{12}(?:\x86\0\0\0)?\x2f\0",
    re.DOTALL,
)
"""Marks of protected workbooks: a stream of this name in new ones, a FILEPASS record at the start of old ones."""


class Workbook(Protocol):
    """What both libraries provide."""

    sheet_names: list[str]
    hidden: frozenset[str]

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        """Yield all rows of a sheet, including leading blank ones."""


class ExcelTable(PlainTable):
    """One sheet of a workbook; its header is the first row that is not blank.

    Args:
        sheet: The name of the sheet; None: the first visible one.
        header_row: The row number of the header; None, and in a rejects file: the first row that is not blank.

    Raises:
        InputRefused: The workbook is damaged, protected, or binary, or has no such sheet, or the sheet is empty.
    """

    loses_zeros = True

    def __init__(self, name: str, opened: Opened, *, sheet: str | None = None, header_row: int | None = None) -> None:
        self.name = name
        with opened() as file:
            if is_binary(file):
                raise self._refused(
                    "binary-workbook", "a binary workbook (.xlsb); open it in Excel and save it as .xlsx"
                )
        try:
            self._workbook = _workbook(opened)
        except WorkbookDamaged:
            raise self._damaged() from None
        except CalamineError:
            if _is_locked(opened):
                raise self._refused("password", "protected by a password; save it without one") from None
            raise self._damaged() from None
        self._sheet = self._sheet_of(sheet)
        self.description = f"Excel, sheet {self._sheet}{self._of_hidden()}"
        header = next(((row, values) for row, values in enumerate(self._rows(), start=1) if any(values)), None)
        if header is None:
            raise self._refused("empty", f'the sheet "{self._sheet}" is empty')
        if header_row is not None and not has_guard_mark(texts_of(header[1])):
            header = next((it for it in enumerate(self._rows(), start=1) if it[0] == header_row), None)
            if header is None:
                raise self._refused("missing-column", f"there is no row {header_row}, which should hold the header")
        self.header_row = header[0]
        self.columns = tuple(cell.strip() for cell in texts_of(header[1]))

    def chunks(self) -> Iterator[Chunk]:
        """Read from the row after the header."""
        first_row = self.header_row + 1
        rows = (self._filled_up(row, values) for row, values in enumerate(self._rows(), start=1) if row >= first_row)
        while block := list(islice(rows, BLOCK_ROWS)):
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

    def _of_hidden(self) -> str:
        """A note for the description if hidden sheets are involved."""
        hidden = self._workbook.hidden
        if self._sheet in hidden:
            return " (which is hidden)"
        passed_over = hidden.intersection(self._workbook.sheet_names[: self._workbook.sheet_names.index(self._sheet)])
        return f" (the first visible one; hidden before it: {len(passed_over)})" if passed_over else ""

    def _damaged(self) -> InputRefused:
        return self._refused("damaged", "not a readable workbook; open it in Excel and save it again")

    def _refused(self, code: str, what: str) -> InputRefused:
        return InputRefused(f"{self.name}: {what}", code=code)


def _workbook(opened: Opened) -> Workbook:
    """Open a workbook in memory, or as a stream if it is large or has error cells.

    The faster library returns nothing for a cell such as #REF!.

    Raises:
        WorkbookDamaged: It has such cells, and cannot be streamed.
    """
    with opened() as file:
        is_to_be_streamed = is_large(file)
    if is_to_be_streamed:
        with suppress(WorkbookDamaged):
            return LargeWorkbook(opened)
    workbook = _WorkbookInMemory(opened)
    with opened() as file:
        return LargeWorkbook(opened) if has_error_cells(file) else workbook


class _WorkbookInMemory:
    """A workbook read by python-calamine.

    Raises:
        WorkbookDamaged: It is an old one, and cannot be searched for error cells.
    """

    def __init__(self, opened: Opened) -> None:
        with opened() as file:
            self._workbook = load_workbook(file)
        sheets = [sheet for sheet in self._workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        self.sheet_names = [sheet.name for sheet in sheets]
        self.hidden = frozenset(sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible)
        with opened() as file:
            self._errors = error_cells(file)

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        page = self._workbook.get_sheet_by_name(sheet)
        rows: Iterator[Sequence[Any]] = iter(page.iter_rows()) if page.start is not None else iter(())
        errors = self._errors[self._workbook.sheet_names.index(sheet)] if self._errors else {}
        return with_errors(rows, errors) if errors else rows


def _is_locked(opened: Opened) -> bool:
    """Whether a workbook is protected; the library only reports an unknown format."""
    with opened() as file:
        return _LOCKED.search(file.read()) is not None

"""Excel workbooks, new and old, by python-calamine, which holds a sheet in memory: Excel ends at 1,048,576 rows."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, load_workbook

from armrest.intake.errors import InputRefused
from armrest.intake.fields import nearest
from armrest.intake.locations import Opened
from armrest.intake.tables import Chunk, PlainTable
from armrest.intake.texts import texts_of

BLOCK_ROWS: Final = 5000
_LOCKED: Final = re.compile(
    re.escape("EncryptedPackage".encode("utf-16-le")) + rb"|\x09\x08\x10\0\0\x06\x05\0.{12}(?:\x86\0\0\0)?\x2f\0",
    re.DOTALL,
)
"""What protected workbooks hold: new ones a stream of this name, old ones a FILEPASS record at their beginning."""


class ExcelTable(PlainTable):
    """One sheet of a workbook; its header is the first row that is not blank.

    Args:
        sheet: Its name; None takes the first.

    Raises:
        InputRefused: It is damaged, protected, or has no such sheet; the sheet is empty.
    """

    loses_zeros = True

    def __init__(self, name: str, opened: Opened, *, sheet: str | None = None) -> None:
        self.name = name
        try:
            with opened() as file:
                self._sheet = self._sheet_of(load_workbook(file), sheet)
        except CalamineError:
            if _is_locked(opened):
                raise self._refused("password", "protected by a password; save it without one") from None
            raise self._refused("damaged", "no workbook that can be read; open it in Excel and save it anew") from None
        self.description = f"Excel, sheet {self._sheet.name}"
        header = next(((row, values) for row, values in enumerate(self._rows(), start=1) if any(values)), None)
        if header is None:
            raise self._refused("empty", f'the sheet "{self._sheet.name}" is empty')
        self._header_row = header[0]
        self.columns = tuple(cell.strip() for cell in texts_of(header[1]))

    def chunks(self) -> Iterator[Chunk]:
        """Read from the row after the header."""
        rows = islice(self._rows(), self._header_row, None)
        first_row = self._header_row + 1
        while block := list(islice(rows, BLOCK_ROWS)):
            yield Chunk(first_row, [texts_of(column) for column in zip(*block, strict=True)])
            first_row += len(block)

    def _rows(self) -> Iterator[list[Any]]:
        return iter(self._sheet.iter_rows()) if self._sheet.start is not None else iter(())

    def _sheet_of(self, workbook: CalamineWorkbook, sheet: str | None) -> CalamineSheet:
        if sheet is None:
            return workbook.get_sheet_by_index(0)
        if sheet not in workbook.sheet_names:
            close = nearest(sheet, {name: name for name in workbook.sheet_names})
            raise self._refused("no-such-sheet", f'there is no sheet "{sheet}" (the nearest is "{close}")')
        return workbook.get_sheet_by_name(sheet)

    def _refused(self, code: str, what: str) -> InputRefused:
        return InputRefused(f"{self.name}: {what}", code=code)


def _is_locked(opened: Opened) -> bool:
    """The library, given a file, only says that it cannot tell the format."""
    with opened() as file:
        return _LOCKED.search(file.read()) is not None

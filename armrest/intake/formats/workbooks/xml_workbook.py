"""What workbooks in XML have in common: their sheets are read as a stream, one at a time."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol
from xml.parsers import expat
from zipfile import BadZipFile

from armrest.intake.formats.workbooks.excel_stream import WorkbookDamaged
from armrest.intake.formats.xml_stream import XmlDamaged, feed

Content = Callable[[], AbstractContextManager[BinaryIO]]
_DAMAGED: Final = (XmlDamaged, BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError)


@dataclass(slots=True)
class XmlSheet:
    """What is known of a sheet once the whole workbook was read."""

    name: str
    is_hidden: bool = False
    hidden_rows: int = 0


class SheetReader(Protocol):
    """Collects the rows of one sheet while expat reads, or only what sheets there are.

    Attributes:
        done: The sheet has ended.
    """

    parser: expat.XMLParserType
    sheets: list[XmlSheet]
    done: bool

    def take(self) -> Iterator[Sequence[Any]]:
        """Yield the rows that were read since the last call."""


class XmlWorkbook:
    """A workbook in XML.

    Args:
        kind: The name of its format, to show.
        content: Opens the XML of the sheets.
        reader_of: Makes a reader of a sheet; None: of no sheet's rows.

    Raises:
        WorkbookDamaged: It has no sheets, or is cut short.
    """

    def __init__(self, kind: str, content: Content, reader_of: Callable[[str | None], SheetReader]) -> None:
        self.kind = kind
        self._content = content
        self._reader_of = reader_of
        reader = reader_of(None)
        for _ in self._read(reader):
            pass
        self.sheet_names = [sheet.name for sheet in reader.sheets]
        self.hidden = frozenset(sheet.name for sheet in reader.sheets if sheet.is_hidden)
        self._hidden_rows = {sheet.name: sheet.hidden_rows for sheet in reader.sheets}
        if not self.sheet_names:
            raise WorkbookDamaged

    def hidden_rows(self, sheet: str) -> int:
        """The number of rows that are hidden, by a person or by a filter."""
        return self._hidden_rows[sheet]

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        """Yield all rows of a sheet from the first to the last that is filled.

        Raises:
            WorkbookDamaged: The file is cut short.
        """
        return self._read(self._reader_of(sheet))

    def _read(self, reader: SheetReader) -> Iterator[Sequence[Any]]:
        try:
            with self._content() as file:
                for _ in feed(reader.parser, file):
                    yield from reader.take()
                    if reader.done:
                        return
        except _DAMAGED:
            raise WorkbookDamaged from None

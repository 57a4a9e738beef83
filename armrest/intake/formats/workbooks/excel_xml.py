"""Read Excel's XML of 2003 (SpreadsheetML), which older systems write and name .xls or .xml, as a stream.

Source: Microsoft, "XML Spreadsheet Reference" (2001-2003).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from armrest.intake.formats.cell_text import HIDDEN
from armrest.intake.formats.workbooks.excel_stream import MAX_COLUMNS, MAX_ROWS
from armrest.intake.formats.workbooks.number_format import UNCALCULATED, NumberFormat
from armrest.intake.formats.workbooks.xml_workbook import XmlSheet, XmlWorkbook
from armrest.intake.formats.xml_stream import MAX_TEXT_LENGTH, XmlDamaged, xml_parser
from armrest.intake.locations import Opened

NAMESPACE: Final = "urn:schemas-microsoft-com:office:spreadsheet"
_SS: Final = f"{NAMESPACE} "
_EXCEL: Final = "urn:schemas-microsoft-com:office:excel "
_STRUCK_TEXT: Final = "http://www.w3.org/TR/REC-html40 S"
_TRUE: Final = frozenset({"1", "true", "True"})


def excel_xml_workbook(opened: Opened) -> XmlWorkbook:
    """Open a workbook in Excel's XML.

    Raises:
        WorkbookDamaged: It has no sheets, or is cut short.
    """
    return XmlWorkbook("Excel XML", opened, _Workbook)


class _Workbook:
    """Collects the rows of one sheet, or only what sheets there are.

    Attributes:
        done: The sheet has ended.
    """

    def __init__(self, sheet: str | None) -> None:
        self.sheets: list[XmlSheet] = []
        self.done = False
        self._rows: list[Sequence[Any]] = []
        self._sheet = sheet
        self._is_read = False
        self._style = ""
        self._formats: dict[str, NumberFormat] = {}
        self._struck_styles: set[str] = set()
        self._row = self._column = self._span = 0
        self._cells: list[Any] = []
        self._cell_style = self._row_style = self._type = ""
        self._is_uncalculated = self._is_struck = False
        self._texts: list[str] | None = None
        self._length = 0
        self.parser = xml_parser(namespaces=True)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def take(self) -> Iterator[Sequence[Any]]:
        """Yield the rows that were read since the last call."""
        rows, self._rows = self._rows, []
        yield from rows

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == f"{_SS}Cell":
            self._column = _index(attributes, self._column + self._span + 1, MAX_COLUMNS)
            self._span = int(attributes.get(f"{_SS}MergeAcross", "0"))
            self._cell_style = attributes.get(f"{_SS}StyleID", self._row_style)
            self._is_struck = self._cell_style in self._struck_styles
            self._is_uncalculated = f"{_SS}Formula" in attributes
        elif name == f"{_SS}Data":
            self._type, self._texts, self._length = attributes.get(f"{_SS}Type", "String"), [], 0
            self._is_uncalculated = False
        elif name == f"{_SS}Row":
            self._begin_row(attributes)
        elif name == f"{_SS}Worksheet":
            self.sheets.append(XmlSheet(attributes.get(f"{_SS}Name", "")))
            self._is_read = attributes.get(f"{_SS}Name", "") == self._sheet and not self.done
            self._row = 0
        elif name == f"{_SS}Style":
            self._style = attributes.get(f"{_SS}ID", "")
        elif name == f"{_SS}NumberFormat":
            self._formats[self._style] = NumberFormat(attributes.get(f"{_SS}Format", ""))
        elif name == f"{_SS}Font" and attributes.get(f"{_SS}StrikeThrough") in _TRUE:
            self._struck_styles.add(self._style)
        elif name == _STRUCK_TEXT:
            self._is_struck = True
        elif name == f"{_EXCEL}Visible":
            self._type, self._texts, self._length = "Visible", [], 0

    def _end(self, name: str) -> None:
        if name == f"{_SS}Data" and self._texts is not None:
            value = self._value("".join(self._texts))
            self._put(HIDDEN if self._is_struck and value != "" else value)
            self._texts = None
        elif name == f"{_EXCEL}Visible" and self._texts is not None and self.sheets:
            self.sheets[-1].is_hidden = "".join(self._texts).strip() in {"SheetHidden", "SheetVeryHidden"}
            self._texts = None
        elif name == f"{_SS}Cell" and self._is_uncalculated:
            self._put(UNCALCULATED)
        elif name == f"{_SS}Row" and self._is_read:
            self._rows.append(self._cells)
        elif name == f"{_SS}Worksheet":
            self.done = self.done or self._is_read
            self._is_read = False

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        """Add the empty rows that the file leaves out."""
        row = _index(attributes, self._row + 1, MAX_ROWS)
        if row <= self._row:
            raise XmlDamaged
        if self._is_read:
            self._rows.extend([[]] * (row - self._row - 1))
        if attributes.get(f"{_SS}Hidden") in _TRUE and self.sheets:
            self.sheets[-1].hidden_rows += 1
        self._row, self._column, self._span, self._cells = row, 0, 0, []
        self._row_style = attributes.get(f"{_SS}StyleID", "")

    def _put(self, value: object) -> None:
        lacking = self._column - len(self._cells)
        if lacking < 1:
            raise XmlDamaged
        self._cells += [""] * (lacking - 1) + [value]

    def _text(self, text: str) -> None:
        if self._texts is not None:
            self._length += len(text)
            if self._length > MAX_TEXT_LENGTH:
                raise XmlDamaged
            self._texts.append(text)

    def _value(self, text: str) -> object:
        if self._type == "Number":
            number = float(text)
            number_format = self._formats.get(self._cell_style)
            padded = number_format.padded(number) if number_format else None
            return number if padded is None else padded
        if self._type == "DateTime":
            return datetime.fromisoformat(text)
        if self._type == "Boolean":
            return text.strip() in _TRUE
        return text


def _index(attributes: Mapping[str, str], following: int, most: int) -> int:
    """The position of a row or cell, from 1."""
    index = int(attributes.get(f"{_SS}Index", following))
    if not 0 < index <= most:
        raise XmlDamaged
    return index

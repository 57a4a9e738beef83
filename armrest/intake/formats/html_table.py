"""Read the table in a web page: many systems write one, and call it .xls.

A page is parsed twice: once to find its tables, once to read the rows of the only one that can be meant.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import islice
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats.headers import names_mostly
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.formats.text import TextFile
from armrest.intake.locations import Opened
from armrest.intake.table_options import AS_DETECTED, TableOptions

BLOCK_ROWS: Final = 1000
MAX_TAG_LENGTH: Final = 4 << 20
MAX_CELL_LENGTH: Final = 1 << 20
MAX_SPAN: Final = 1 << 14
HIDDEN: Final = "#HIDDEN!"
"""A cell of which a browser shows only a part, or strikes out a part. Nobody can say which part is the value."""
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_STRUCK: Final = re.compile(r"line-through", re.IGNORECASE)
_HIDING: Final = frozenset({"del", "s", "strike", "select", "datalist", "template"})
"""Elements that are struck out, that no browser displays, or of which it displays one option."""
_NOT_TEXT: Final = frozenset({"script", "style", "template", "title"})
_WIDTH: Final = 2
"""Columns that a table has at least; others only lay out a page."""


@dataclass(slots=True)
class _Found:
    """A table of the page.

    Attributes:
        header: Its first row that is not blank.
        rows: The number of rows that are not blank.
        is_layout: It has a table inside.
    """

    header: list[str] = field(default_factory=list)
    rows: int = 0
    hidden_rows: int = 0
    is_layout: bool = False


class HtmlTable(PlainTable):
    """The only table of a web page that can be a list; its header is the first row that is not blank.

    Raises:
        InputRefused: The page is a login page or has no such table, or several.
    """

    loses_zeros = True

    def __init__(self, name: str, opened: Opened, options: TableOptions = AS_DETECTED) -> None:
        self.name = name
        self._file = _text_file(name, opened, options.encoding)
        reader = _Tables()
        for _ in self._read(reader):
            pass
        self._index = self._chosen(reader)
        table = reader.tables[self._index]
        self.columns = tuple(table.header)
        hidden = f", hidden rows, which are read, too: {table.hidden_rows}" if table.hidden_rows else ""
        self.description = f"HTML table, {self._file.label}{hidden}"

    def chunks(self) -> Iterator[Chunk]:
        """Read from the row after the header; the header is row 1 of its table.

        Raises:
            InputRefused: A row has more cells than the header.
        """
        rows = self._rows()
        first_row = next((row for row, cells in enumerate(rows, start=1) if any(cells)), 0) + 1
        while block := list(islice(rows, BLOCK_ROWS)):
            filled = [self._filled_up(row, cells) for row, cells in enumerate(block, start=first_row)]
            yield Chunk(first_row, list(map(list, zip(*filled, strict=True))))
            first_row += len(block)

    def _rows(self) -> Iterator[list[str]]:
        reader = _Tables(self._index)
        for _ in self._read(reader):
            yield from reader.rows
            reader.rows.clear()

    def _filled_up(self, row: int, cells: Sequence[str]) -> Sequence[str]:
        width = len(self.columns)
        if any(cells[width:]):
            what = f"row {row} fills column {len(cells)}, which has no name; name it, or clear its cells"
            raise InputRefused(f"{self.name}: {what}", code="unknown-column", rows=(row,))
        return [*cells[:width], *[""] * (width - len(cells))]

    def _read(self, reader: "_Tables") -> Iterator[None]:
        for text in self._file.texts():
            reader.feed(text)
            if reader.is_endless or len(reader.rawdata) > MAX_TAG_LENGTH:
                raise InputRefused(f"{self.name}: a tag or cell that never ends; save the page again", code="damaged")
            yield
        reader.close()
        yield

    def _chosen(self, reader: "_Tables") -> int:
        """The index of the table to read."""
        if reader.is_login:
            what = "this is a login page, not a customer file; log in, and download the file again"
            raise InputRefused(f"{self.name}: {what}", code="html")
        lists = [
            index
            for index, it in enumerate(reader.tables)
            if not it.is_layout and it.rows > 1 and len(it.header) >= _WIDTH
        ]
        named = [index for index in lists if names_mostly(reader.tables[index].header)]
        chosen = named if len(named) == 1 else lists
        if len(named) == 1:  # a list that is printed in pages names its columns once
            first = reader.tables[named[0]]
            chosen = [index for index in lists if index == named[0] or _continues(reader.tables[index], first)]
        if not chosen:
            what = "this is a web page, not a CSV file; check how it was downloaded"
            raise InputRefused(f"{self.name}: {what}", code="html")
        if len(chosen) > 1:
            what = f"a web page with {len(chosen)} tables; save the one with the customers by itself"
            raise InputRefused(f"{self.name}: {what}", code="html")
        return chosen[0]


def _continues(table: _Found, first: _Found) -> bool:
    """Whether a table without names for its columns may be the next page of a list."""
    return len(table.header) == len(first.header) and any(map(str.isdigit, "".join(table.header)))


def _text_file(name: str, opened: Opened, encoding: str | None) -> TextFile:
    """The page as text: what its bytes show goes before what it says about itself, which is often wrong."""
    with opened() as file:
        declared = _CHARSET.search(file.read(4096).decode("latin-1"))
    try:
        text = TextFile(name, opened, encoding=encoding)
    except InputRefused:
        if encoding or not declared:
            raise
    else:
        if encoding or not declared or text.encoding.startswith("utf"):
            return text
    return TextFile(name, opened, encoding=declared[1])


_TEXT_INPUTS: Final = frozenset({"text", "email", "tel", "number", "search", "url"})
_PARTS: Final = frozenset({"table", "tr", "td", "th"})
_WITHOUT_TEXT: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
"""Elements that have no end, and hold nothing."""


class _Tables(HTMLParser):
    """Collects the tables of a page, or the rows of one of them.

    Attributes:
        tables: The tables, in the order in which they begin.
        rows: The rows of the table to read that were not taken yet.
        is_login: The page asks for a password.
        is_endless: A cell is longer than any text in a list.
    """

    def __init__(self, index: int | None = None) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Found] = []
        self.rows: list[list[str]] = []
        self.is_login = False
        self.is_endless = False
        self._index = index
        self._open: list[int] = []
        """The indexes of the tables around the current place."""
        self._row: list[str] | None = None
        self._is_hidden = False
        self._cell: list[str] | None = None
        self._length = 0
        self._span = (1, 1)
        self._covered: dict[int, int] = {}
        """For each column, for how many rows, from this one on, a cell above covers it."""
        self._covered_next: dict[int, int] = {}
        self._ignored = 0
        self._hiding, self._depth = "", 0
        """The element in the cell that is hidden or struck out, which may hold nothing, such as an icon."""
        self._hides_text = False
        """Whether a text of the cell may be."""
        self._is_struck = False
        """Whether the row is."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell; the end of the one before may be left out."""
        self._depth += tag == self._hiding
        if self._cell is not None and tag not in _PARTS and _hides(tag, attrs):
            self._hides_text = self._hides_text or (tag == "input" and _is_filled(attrs))
            if not self._hiding and tag not in _WITHOUT_TEXT:
                self._hiding, self._depth = tag, 1
        elif tag in {"td", "th"} and self._row is not None:
            self._end_cell()
            values = dict(attrs)
            self._cell, self._length = [], 0
            self._hiding = ""
            self._hides_text = self._is_struck or _is_struck(attrs)
            self._span = _span(values.get("colspan")), _rows_of(values.get("rowspan"))
        elif tag == "tr" and self._open:
            self._end_row()
            self._row = []
            self._covered, self._covered_next = self._covered_next, {}
            self._is_hidden, self._is_struck = _is_hidden(attrs), _is_struck(attrs)
            self._cover()
        elif tag == "table":
            self._begin_table()
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")
        elif tag in _NOT_TEXT:
            self._ignored += 1
        elif tag == "input" and not self._ignored:
            self._read_input(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        """End a table, a row or a cell."""
        if tag == self._hiding:
            self._depth -= 1
            self._hiding = self._hiding if self._depth else ""
        if tag in {"td", "th"}:
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table" and self._open:
            self._end_row()
            self._open.pop()
        elif tag in _NOT_TEXT:
            self._ignored = max(0, self._ignored - 1)

    def handle_data(self, data: str) -> None:
        """Collect the text of a cell; the line breaks of the page's source are blanks."""
        if self._cell is not None and not self._ignored:
            self._hides_text = self._hides_text or (self._hiding != "" and not data.isspace())
            self._length += len(data)
            self.is_endless = self.is_endless or self._length > MAX_CELL_LENGTH
            if not self.is_endless:
                self._cell.append(_BLANKS.sub(" ", data))

    def close(self) -> None:
        """Take the page's end as the end of everything."""
        super().close()
        self._end_row()

    def _read_input(self, attributes: dict[str, str | None]) -> None:
        """Take the text of a form's field as that of its cell."""
        kind = (attributes.get("type") or "text").casefold()
        self.is_login = self.is_login or kind == "password"
        if self._cell is not None and kind in _TEXT_INPUTS:
            self._cell.append(attributes.get("value") or "")

    def _begin_table(self) -> None:
        if self._open:
            self.tables[self._open[-1]].is_layout = True
        self._row, self._cell, self._covered_next = None, None, {}
        self._open.append(len(self.tables))
        self.tables.append(_Found())

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        text = "\n".join(line.strip(" \xa0") for line in "".join(self._cell).split("\n")).strip("\n")
        if self._hides_text and text:
            text = HIDDEN
        columns, rows = self._span
        for offset in range(columns):
            if rows > 1:
                self._covered_next[len(self._row)] = rows - 1
            self._row.append("" if offset else text)
        self._cell = None
        self._cover()

    def _cover(self) -> None:
        """Add the empty cells under a cell that reaches down from a row above."""
        while self._row is not None and (left := self._covered.pop(len(self._row), 0)):
            if left > 1:
                self._covered_next[len(self._row)] = left - 1
            self._row.append("")

    def _end_row(self) -> None:
        self._end_cell()
        if self._row is not None and self._open:
            table = self.tables[self._open[-1]]
            if any(self._row):
                table.rows += 1
                table.header = table.header or self._row
                table.hidden_rows += self._is_hidden
            if self._open[-1] == self._index:
                self.rows.append(self._row)
        self._row = None


def _hides(tag: str, attributes: Sequence[tuple[str, str | None]]) -> bool:
    """Whether an element hides its text or strikes it out."""
    return tag in _HIDING or _is_hidden(attributes) or _is_struck(attributes)


def _is_filled(attrs: list[tuple[str, str | None]]) -> bool:
    """Whether a field of a form holds a text."""
    values = dict(attrs)
    return (values.get("type") or "text") in _TEXT_INPUTS and bool(values.get("value"))


def _is_hidden(attributes: Sequence[tuple[str, str | None]]) -> bool:
    return any(name == "hidden" or (name == "style" and _HIDDEN.search(text or "")) for name, text in attributes)


def _is_struck(attributes: Sequence[tuple[str, str | None]]) -> bool:
    return any(name == "style" and _STRUCK.search(text or "") for name, text in attributes)


def _span(text: str | None) -> int:
    return min(max(int(text), 1), MAX_SPAN) if text and text.isascii() and text.isdecimal() else 1


def _rows_of(text: str | None) -> int:
    """How many rows a cell takes; 0 means all that follow."""
    return MAX_SPAN if text == "0" else _span(text)

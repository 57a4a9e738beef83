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
from armrest.intake.formats.cell_text import HIDDEN
from armrest.intake.formats.headers import names_mostly
from armrest.intake.formats.page_styles import POSITION, ROW_GROUPS, Effect, ElementsAround, PageStyles, is_for_screens
from armrest.intake.formats.table import Chunk, PlainTable
from armrest.intake.formats.text import TextFile
from armrest.intake.locations import Opened
from armrest.intake.table_options import AS_DETECTED, TableOptions

BLOCK_ROWS: Final = 1000
MAX_TAG_LENGTH: Final = 4 << 20
MAX_CELL_LENGTH: Final = 1 << 20
MAX_SPAN: Final = 1 << 14
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_CELLS: Final = frozenset({"td", "th"})
_LONGEST_SPAN: Final = 9
"""Python refuses to convert thousands of digits."""
_NOT_TEXT: Final = frozenset({"script", "style", "template", "title"})
_WIDTH: Final = 2
"""Columns that a table has at least; others only lay out a page."""


@dataclass(slots=True)
class _Found:
    """A table of the page.

    Attributes:
        header: Its first row that is not blank.
        rows: The number of rows that are not blank.
        hidden_columns: The indexes of the columns that are hidden, or whose cell in the header is.
        is_layout: It has a table inside.
    """

    header: list[str] = field(default_factory=list)
    rows: int = 0
    hidden_rows: int = 0
    hidden_columns: set[int] = field(default_factory=set)
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
        self._styles = PageStyles()
        reader = self._look_through()
        for sheet in reader.style_sheets:
            self._styles.add(sheet)
        if self._styles:  # what they hide is known only now
            reader = self._look_through()
        self._index = self._chosen(reader)
        table = reader.tables[self._index]
        self.columns = tuple(table.header)
        hidden = (("rows", table.hidden_rows), ("columns", len(table.hidden_columns)))
        remarks = [f", hidden {what}, which are read, too: {count}" for what, count in hidden if count]
        self.description = f"HTML table, {self._file.label}{''.join(remarks)}"

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

    def _look_through(self) -> "_Tables":
        """Find the tables and the style sheets of the page."""
        reader = _Tables(self._styles)
        for _ in self._read(reader):
            pass
        return reader

    def _rows(self) -> Iterator[list[str]]:
        reader = _Tables(self._styles, self._index)
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
_PARTS: Final = frozenset({"table", "tr", "td", "th", *ROW_GROUPS})
_WITHOUT_TEXT: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
"""Elements that have no end, and hold nothing."""


class _Tables(HTMLParser):
    """Collects the tables of a page, or the rows of one of them.

    Attributes:
        tables: The tables, in the order in which they begin.
        rows: The rows of the table to read that were not taken yet.
        style_sheets: The style sheets in the page.
        is_login: The page asks for a password.
        is_endless: A cell or a style sheet is longer than any in a list.
    """

    def __init__(self, styles: PageStyles, index: int | None = None) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Found] = []
        self.rows: list[list[str]] = []
        self.style_sheets: list[str] = []
        self.is_login = False
        self.is_endless = False
        self._styles = styles
        self._index = index
        self._open: list[int] = []
        """The indexes of the tables around the current place."""
        self._around = ElementsAround()
        self._columns = 0
        """How many columns of the table the `col` elements have described."""
        self._row: list[str] | None = None
        self._row_effect = Effect(is_hidden=False, is_struck=False)
        self._hidden_cells: list[int] = []
        """The indexes of the hidden cells of the row."""
        self._children = 0
        """The number of cells that the row has so far, each counted once."""
        self._cell: list[str] | None = None
        self._length = 0
        self._span = (1, 1)
        self._covered: dict[int, int] = {}
        """For each column, for how many rows, from this one on, a cell above covers it."""
        self._covered_next: dict[int, int] = {}
        self._ignored = 0
        self._is_style = False
        self._is_without_scripts = False
        """Inside `noscript`, which no browser of today looks at."""
        self._hiding, self._depth = "", 0
        """The element in the cell that is hidden or struck out, which may hold nothing, such as an icon."""
        self._hides_text = False
        """Whether a text of the cell may be."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell; the end of the one before may be left out."""
        if tag in _CELLS:
            self._children += 1
            attrs = [*attrs, (f"{POSITION}{self._children}", None)]
        effect = self._styles.effect_on(tag, tuple(attrs))
        self._is_without_scripts = self._is_without_scripts or tag == "noscript"
        self._depth += tag == self._hiding
        if self._cell is not None and tag not in _PARTS and any(effect):
            self._hides_text = self._hides_text or (tag == "input" and _is_filled(attrs))
            if not self._hiding and tag not in _WITHOUT_TEXT:
                self._hiding, self._depth = tag, 1
        elif tag in _PARTS:
            self._begin_part(tag, attrs, effect)
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")
        elif tag in _NOT_TEXT:
            self._ignored += 1
            media = dict(attrs).get("media") or ""
            self._is_style = tag == "style" and is_for_screens(media) and not self._is_without_scripts
        elif tag == "input" and not self._ignored:
            self._read_input(dict(attrs))
        elif tag == "col" and self._open:
            self._describe_columns(_span(dict(attrs).get("span")), effect)
        elif self._cell is None and tag not in _WITHOUT_TEXT:
            self._around.begin(tag, effect)

    def _begin_part(self, tag: str, attrs: list[tuple[str, str | None]], effect: Effect) -> None:
        if tag == "table":
            self._begin_table()
            self._around.begin(tag, effect)
        elif tag in ROW_GROUPS:
            self._end_row()
            self._around.begin(tag, effect)
        elif tag == "tr" and self._open:
            self._end_row()
            self._row, self._hidden_cells, self._children = [], [], 0
            self._covered, self._covered_next = self._covered_next, {}
            self._row_effect = self._around.effect_with(effect)
            self._cover()
        elif tag in _CELLS and self._row is not None:
            self._begin_cell(dict(attrs), effect)

    def handle_endtag(self, tag: str) -> None:
        """End a table, a row or a cell."""
        if tag == self._hiding:
            self._depth -= 1
            self._hiding = self._hiding if self._depth else ""
        self._is_without_scripts = self._is_without_scripts and tag != "noscript"
        if tag in _CELLS:
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table" and self._open:
            self._end_row()
            self._open.pop()
            self._around.end(tag)
        elif tag in _NOT_TEXT:
            self._ignored = max(0, self._ignored - 1)
            self._is_style = False
        elif self._cell is None:
            self._around.end(tag)

    def handle_data(self, data: str) -> None:
        """Collect the text of a cell; the line breaks of the page's source are blanks."""
        if self._is_style:
            self.style_sheets.append(data)
            self._length += len(data)
            self.is_endless = self.is_endless or self._length > MAX_TAG_LENGTH
        elif self._cell is not None and not self._ignored:
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
        self._columns = 0
        self._open.append(len(self.tables))
        self.tables.append(_Found())

    def _describe_columns(self, count: int, effect: Effect) -> None:
        if effect.is_hidden:
            self.tables[self._open[-1]].hidden_columns.update(range(self._columns, self._columns + count))
        self._columns += count

    def _begin_cell(self, attributes: dict[str, str | None], effect: Effect) -> None:
        self._end_cell()
        self._cell, self._length = [], 0
        self._hiding = ""
        self._hides_text = self._row_effect.is_struck or effect.is_struck
        self._span = _span(attributes.get("colspan")), _rows_of(attributes.get("rowspan"))
        if effect.is_hidden and self._row is not None:
            self._hidden_cells.append(len(self._row))

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
                self._judge_hidden_cells(self._row, table)
                table.rows += 1
                table.header = table.header or self._row
                table.hidden_rows += self._row_effect.is_hidden
            if self._open[-1] == self._index:
                self.rows.append(self._row)
        self._row = None

    def _judge_hidden_cells(self, row: list[str], table: _Found) -> None:
        """Read hidden columns and hidden rows, and make other hidden cells error cells."""
        if not table.header:
            table.hidden_columns.update(self._hidden_cells)
        elif not self._row_effect.is_hidden:
            for index in self._hidden_cells:
                if index not in table.hidden_columns and row[index]:
                    row[index] = HIDDEN


def _is_filled(attrs: list[tuple[str, str | None]]) -> bool:
    """Whether a field of a form holds a text."""
    values = dict(attrs)
    return (values.get("type") or "text") in _TEXT_INPUTS and bool(values.get("value"))


def _span(text: str | None) -> int:
    return min(max(int(text[:_LONGEST_SPAN]), 1), MAX_SPAN) if text and text.isascii() and text.isdecimal() else 1


def _rows_of(text: str | None) -> int:
    """How many rows a cell takes; 0 means all that follow."""
    return MAX_SPAN if text == "0" else _span(text)

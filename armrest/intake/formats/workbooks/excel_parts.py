"""The parts of a workbook of the new format (.xlsx): its sheets, its number formats, and signs in the XML of a sheet.

Source: ECMA-376 (Office Open XML), part 1, SpreadsheetML, and part 2, Open Packaging Conventions.
"""

import posixpath
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, BinaryIO, Final, cast
from zipfile import BadZipFile, ZipFile

from armrest.intake.formats.workbooks.number_format import BUILT_IN, Kind, NumberFormat
from armrest.intake.formats.xml_stream import MAX_TAG_BYTES, LocalNames, XmlDamaged, feed, xml_parser

MAX_PARTS_BYTES: Final = 256 << 20
"""Size of the XML of styles and of the list of sheets; a bomb is larger."""
DAMAGED: Final = (XmlDamaged, BadZipFile, zlib.error, EOFError, KeyError, IndexError, ValueError, NotImplementedError)
_PIECE_BYTES: Final = 1 << 20
_MAX_DENSITY: Final = 64
_FREE_CELLS: Final = 5_000_000
"""Cells of a sheet, empty ones included, that may be held in memory however few are filled."""
_ERROR: Final = re.compile(rb"""\st\s*=\s*["']e["']""")
_UNCALCULATED: Final = re.compile(
    rb"""<(?:\w+:)?c\b(?![^>]*\st\s*=\s*["']str["'])[^>]*>\s*<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)
_NUMBER: Final = re.compile(rb"""\br\s*=\s*["'](\d{1,9})["']""")
_HIDDEN: Final = re.compile(rb"""<(?:\w+:)?row\s[^>]*?\bhidden\s*=\s*["'](?:1|true)["']""")
_WIDE: Final = [re.compile(rb"""\sr\s*=\s*["'][A-Z]{%d}\d""" % letters) for letters in (3, 2)]
_STRIKE: Final = b"strike"
_RELATIONS: Final = "_rels/.rels"


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet of a workbook: the path of its XML, and whether it is shown."""

    name: str
    path: str
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class SheetSigns:
    """What a sheet has, by its XML.

    Attributes:
        needs_stream: It has cells that a library reads as blank or without their zeros, or would need much memory.
        hidden_rows: The number of hidden rows; a filter hides rows, too.
    """

    needs_stream: bool
    hidden_rows: int


class WorkbookParts:
    """The sheets and formats of a workbook.

    Raises:
        XmlDamaged, BadZipFile, KeyError, ValueError: The file is not a workbook of this format.
    """

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        names = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
        self._paths = names
        book = next(target for kind, _, target in self._relations(_RELATIONS, "") if kind == "officeDocument")
        folder, _, base = book.rpartition("/")
        targets: dict[str, tuple[str, str]] = {}
        self.shared_texts: str | None = None
        styles: str | None = None
        for kind, name, target in self._relations(f"{folder}/_rels/{base}.rels", folder):
            targets[name] = (kind, target)
            if kind == "sharedStrings":
                self.shared_texts = self._path(target)
            elif kind == "styles":
                styles = target
        self.is_1904 = False
        self.sheets: list[SheetPart] = []
        for local, attributes in self._elements(book):
            if local == "workbookPr":
                self.is_1904 = attributes.get("date1904") in {"1", "true"}
            elif local == "sheet":
                kind, target = targets[next(value for name, value in attributes.items() if name.endswith(":id"))]
                if kind == "worksheet":
                    is_hidden = attributes.get("state", "visible") != "visible"
                    self.sheets.append(SheetPart(attributes["name"], self._path(target), is_hidden))
        self.struck: frozenset[str] = frozenset()
        """The indexes of the styles that strike their cells out."""
        self.formats: list[NumberFormat | None] = self._formats(styles) if styles else []
        self._has_struck_texts: bool | None = None

    def signs_of(self, sheet: SheetPart) -> SheetSigns:
        """Look through the XML of a sheet, without parsing it."""
        padded = self._padded_style()
        needs_stream, hidden, cells, last_row, width = self._strikes_texts_out(), 0, 0, 0, 26
        for text in _whole_tags(self._archive, sheet.path):
            hidden += len(_HIDDEN.findall(text)) if b"hidden" in text else 0
            if not needs_stream:
                needs_stream = bool((b'"e"' in text or b"'e'" in text) and _ERROR.search(text))
                needs_stream = needs_stream or bool(padded and padded.search(text)) or _STRIKE in text
                needs_stream = needs_stream or bool(b"f>" in text and _UNCALCULATED.search(text))
                cells += text.count(b"<c ") + text.count(b":c ")
                last_row = max(last_row, _last_row(text))
                width = max(width, next((26**n for n, it in zip((3, 2), _WIDE, strict=True) if it.search(text)), 26))
        is_sparse = last_row * width > _FREE_CELLS + _MAX_DENSITY * cells
        return SheetSigns(needs_stream or is_sparse, hidden)

    def _strikes_texts_out(self) -> bool:
        """Whether the shared texts have some that are struck out in part."""
        if self._has_struck_texts is None:
            pieces = _whole_tags(self._archive, self.shared_texts) if self.shared_texts else ()
            self._has_struck_texts = any(_STRIKE in text for text in pieces)
        return self._has_struck_texts

    def _path(self, path: str) -> str:
        """The name of a part in the archive, where case and the kind of slash do not count."""
        return self._paths[path.lower().lstrip("/")]

    def _relations(self, path: str, folder: str) -> Iterator[tuple[str, str, str]]:
        """The kind, the id and the absolute target of each relation."""
        for local, attributes in self._elements(path):
            if local == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes["Target"].replace("\\", "/")
                absolute = target if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
                yield attributes["Type"].rpartition("/")[2], attributes["Id"], absolute.lstrip("/")

    def _elements(self, path: str) -> list[tuple[str, Mapping[str, str]]]:
        """The elements of a small part, with their attributes."""
        elements: list[tuple[str, Mapping[str, str]]] = []
        names = LocalNames()
        parser = xml_parser()
        parser.StartElementHandler = lambda name, attributes: elements.append((names[name], attributes))
        part = self._archive.getinfo(self._path(path))
        if part.file_size > MAX_PARTS_BYTES:
            raise XmlDamaged
        with self._archive.open(part) as file:
            for _ in feed(parser, cast(BinaryIO, file)):
                pass
        return elements

    def _formats(self, path: str) -> list[NumberFormat | None]:
        """The number format of each style of a cell; None if it changes nothing. Note the styles that strike out."""
        codes: dict[int, str] = {}
        formats: dict[int, NumberFormat | None] = {}
        styles: list[NumberFormat | None] = []
        is_inside = False
        fonts, struck_fonts, struck = -1, set[str](), set[str]()
        for local, attributes in self._elements(path):
            if local == "font":
                fonts += 1
            elif local == "strike" and is_switched_on(attributes):
                struck_fonts.add(str(fonts))
            elif local == "numFmt" and "numFmtId" in attributes:
                codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
            elif local in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
                is_inside = local == "cellXfs"
            elif local == "xf" and is_inside:
                if attributes.get("fontId") in struck_fonts:
                    struck.add(str(len(styles)))
                number = int(attributes.get("numFmtId", "0"))
                if number not in formats:
                    formats[number] = format_of(codes.get(number) or BUILT_IN.get(number, ""))
                styles.append(formats[number])
        self.struck = frozenset(struck)
        return styles

    def _padded_style(self) -> re.Pattern[bytes] | None:
        padded = [str(index) for index, it in enumerate(self.formats) if it and it.kind is Kind.PADDED]
        padded += self.struck
        return re.compile(rb"""\ss\s*=\s*["'](?:%s)["']""" % "|".join(padded).encode()) if padded else None


def format_of(code: str) -> NumberFormat | None:
    """The number format with this code; None if it changes nothing."""
    number_format = NumberFormat(code)
    return None if number_format.kind is Kind.NUMBER else number_format


def is_switched_on(attributes: Mapping[str, str]) -> bool:
    """Whether an element such as `strike` says so; it may also say that it does not."""
    return attributes.get("val", "1") not in {"0", "false", "off"}


def is_binary(file: IO[bytes]) -> bool:
    """Whether a file is a binary workbook (.xlsb), whatever its name."""
    with suppress(BadZipFile), ZipFile(file) as archive:
        return any(name.lower().endswith("workbook.bin") for name in archive.namelist())
    return False


def _last_row(text: bytes) -> int:
    """The number of the last row that begins in a piece of XML."""
    start = max(text.rfind(b"<row "), text.rfind(b":row "))
    match = _NUMBER.search(text, start, max(text.find(b">", start), start)) if start >= 0 else None
    return int(match[1]) if match else 0


def _whole_tags(archive: ZipFile, path: str) -> Iterator[bytes]:
    """The XML in pieces that cut no tag in two, unless it is endless."""
    rest = b""
    with archive.open(path) as file:
        while piece := file.read(_PIECE_BYTES):
            if cut := piece.rfind(b">") + 1:
                yield rest + piece[:cut]
                rest = piece[cut:]
            elif len(rest) < MAX_TAG_BYTES:
                rest += piece
    yield rest

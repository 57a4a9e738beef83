"""Detect the format by the first bytes, whatever the file's name; compressed files are decompressed first."""

import zipfile
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Final

from armrest.intake.errors import FixedWidthFound, InputRefused
from armrest.intake.formats.file_kinds import (
    HEAD_BYTES,
    document_kind,
    ending_of,
    is_norwegian_audit_file,
    is_spreadsheet,
    is_workbook_in_xml,
    markup_root,
    other_kind,
)
from armrest.intake.formats.table import Table
from armrest.intake.formats.text import CsvTable
from armrest.intake.locations import Location, Opened, Unpack, decompress, gunzip, seekable, unzip, unzstd
from armrest.intake.table_options import AS_DETECTED, TableOptions

PARQUET_GROWS: Final = 3
COMPRESSED_GROWS: Final = 5
MAX_NESTED: Final = 3
"""How often a file is unpacked: people send a zip in a zip, and hardly more."""
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARQUET: Final = b"PAR1"
_ARROW: Final = b"ARROW1"
_ARROW_STREAM: Final = b"\xff\xff\xff\xff"


def table_of(location: Location, options: TableOptions = AS_DETECTED) -> tuple[Table, int]:
    """Inspect a file; return its table, and roughly how many times larger a CSV with the same cells would be.

    Raises:
        InputRefused: The content does not match the format, or the header cannot be understood.
    """
    plain = _decompressed(location)
    if location.fetch is not None and markup_root(_head(plain.opened)) != "AuditFile":  # only its customers are read
        location = replace(location, opened=location.fetch(), fetch=None)
        plain = _decompressed(location)
    table = _table_in(plain, options)
    if options.header_row is not None and not table.header_row:
        what = "its format says where the columns are named; leave --header-row (header_row in the mapping) out"
        raise InputRefused(f"{location.name}: {what}", code="missing-column")
    if plain is not location:
        return table, COMPRESSED_GROWS
    return table, PARQUET_GROWS if _head(location.opened).startswith(_PARQUET) else 1


def _table_in(location: Location, options: TableOptions) -> Table:
    name, opened = location.name, location.opened
    head = _head(opened)
    if kind := other_kind(head):
        raise _not_read(name, *kind)
    root = markup_root(head)
    if head.startswith((_ZIP, _OLE)) or is_workbook_in_xml(head, root):
        from armrest.intake.formats.workbooks import ExcelTable

        return ExcelTable(name, seekable(opened), options)
    if options.sheet is not None:
        raise InputRefused(f'{name}: not a workbook, so it has no sheet "{options.sheet}"', code="no-such-sheet")
    if root is not None:
        return _markup_table(location, root, head, options)
    if head.startswith((_PARQUET, _ARROW, _ARROW_STREAM)):
        from armrest.intake.formats.arrow_table import ArrowTable

        return ArrowTable(seekable(opened), parquet=head.startswith(_PARQUET))
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        from armrest.intake.formats.json_table import JsonTable

        return JsonTable(name, opened)
    if options.positions is not None:
        from armrest.intake.formats.text import FixedWidthTable

        return FixedWidthTable(name, opened, options.positions, options)
    table = CsvTable(name, opened, options)
    if len(table.columns) == 1:
        _refuse_fixed_width(name, table)
    return table


def _refuse_fixed_width(name: str, table: CsvTable) -> None:
    """Refuse text without a delimiter whose columns have fixed positions, which a mapping has to name."""
    from armrest.intake.formats.text import find_positions

    if positions := find_positions(table.first_lines):
        what = (
            "text with columns of fixed width and without a delimiter; `armrest mapping init` proposes their positions"
        )
        raise FixedWidthFound(f"{name}: {what}", code="fixed-width", positions=positions)


def _markup_table(location: Location, root: str, head: bytes, options: TableOptions) -> Table:
    """The table in a file of XML or HTML."""
    name, opened = location.name, location.opened
    if root == "AuditFile":
        from armrest.intake.formats.saft_table import SaftTable

        if is_norwegian_audit_file(head):
            return SaftTable(name, opened)
        what = "a SAF-T file of another country or kind; only the Norwegian SAF-T Financial is read"
        raise InputRefused(f"{name}: {what}", code="other-format")
    if root == "html":
        from armrest.intake.formats.html_table import HtmlTable

        return HtmlTable(name, opened, options)
    what = f"an XML file of another kind, with the root element <{root[:40]}>"
    raise _not_read(name, what, "export the customers as CSV, Excel or SAF-T")


def _not_read(name: str, what: str, advice: str) -> InputRefused:
    return InputRefused(f"{name}: this is {what}; {advice}", code="other-format")


def _head(opened: Opened) -> bytes:
    with opened() as file:
        return file.read(HEAD_BYTES)


def _decompressed(location: Location) -> Location:
    """The file itself, unpacked up to `MAX_NESTED` times."""
    for _ in range(MAX_NESTED):
        head = _head(location.opened)
        if head.startswith(_GZIP):
            unpack: Unpack = gunzip
        elif head.startswith(_ZSTD):
            unpack = unzstd
        elif head.startswith(_ZIP):
            location = replace(location, opened=seekable(location.opened))
            member = _only_member(location)
            if member is None:
                return location
            unpack = partial(unzip, member=member)
        else:
            return location
        location = replace(location, opened=decompress(unpack, location.opened))
    return location


def _only_member(location: Location) -> str | None:
    """The name of the only file in a zip; None if the zip is a workbook."""
    with location.opened() as file, zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if is_spreadsheet(archive):
            return None
        if kind := document_kind(archive):
            raise _not_read(location.name, *kind)
        if len(names) != 1:
            kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(map(ending_of, names)).most_common(3))
            what = f"a zip with {len(names)} files ({kinds}); zip one file only, or unpack them into a folder"
            raise InputRefused(f"{location.name}: {what}", code="not-readable")
        if archive.getinfo(names[0]).flag_bits & 1:
            raise InputRefused(f"{location.name}: protected by a password; remove it", code="password")
    return names[0]

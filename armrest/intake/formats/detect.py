"""Detect the format by the first bytes, whatever the file's name; compressed files are decompressed first."""

import zipfile
from dataclasses import replace
from functools import partial
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats.csv_table import CsvTable
from armrest.intake.formats.table import Table
from armrest.intake.locations import Location, Opened, decompress, gunzip, seekable, unzip, unzstd

PARQUET_GROWS: Final = 3
COMPRESSED_GROWS: Final = 5
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARQUET: Final = b"PAR1"
_ARROW: Final = b"ARROW1"
_ARROW_STREAM: Final = b"\xff\xff\xff\xff"


def table_of(
    location: Location, *, encoding: str | None = None, sheet: str | None = None, header_row: int | None = None
) -> tuple[Table, int]:
    """Inspect a file; return its table, and roughly how many times larger a CSV with the same cells would be.

    Args:
        encoding: The encoding of a CSV; None: detect it.
        sheet: The sheet of a workbook; None: the first one.
        header_row: The row number of the header; None: the first row that is not blank.

    Raises:
        InputRefused: The content does not match the format, or the header cannot be understood.
    """
    plain = _decompressed(location)
    table = _table_in(plain, encoding=encoding, sheet=sheet, header_row=header_row)
    if header_row is not None and not table.header_row:
        what = "its format says where the columns are named; leave --header-row (header_row in the mapping) out"
        raise InputRefused(f"{location.name}: {what}", code="missing-column")
    if plain is not location:
        return table, COMPRESSED_GROWS
    return table, PARQUET_GROWS if _head(location.opened).startswith(_PARQUET) else 1


def _table_in(location: Location, *, encoding: str | None, sheet: str | None, header_row: int | None = None) -> Table:
    name, opened = location.name, location.opened
    head = _head(opened)
    if head.startswith((_ZIP, _OLE)):
        from armrest.intake.formats.excel_table import ExcelTable

        return ExcelTable(name, seekable(opened), sheet=sheet, header_row=header_row)
    if sheet is not None:
        raise InputRefused(f'{name}: not a workbook, so it has no sheet "{sheet}"', code="no-such-sheet")
    if head.startswith((_PARQUET, _ARROW, _ARROW_STREAM)):
        from armrest.intake.formats.arrow_table import ArrowTable

        return ArrowTable(seekable(opened), parquet=head.startswith(_PARQUET))
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        from armrest.intake.formats.json_table import JsonTable

        return JsonTable(name, opened)
    return CsvTable(name, opened, encoding=encoding, header_row=header_row)


def _head(opened: Opened) -> bytes:
    with opened() as file:
        return file.read(64)


def _decompressed(location: Location) -> Location:
    head = _head(location.opened)
    if head.startswith(_GZIP):
        return replace(location, opened=decompress(gunzip, location.opened))
    if head.startswith(_ZSTD):
        return replace(location, opened=decompress(unzstd, location.opened))
    if head.startswith(_ZIP) and (member := _only_member(location)):
        return replace(location, opened=decompress(partial(unzip, member=member), location.opened))
    return location


def _only_member(location: Location) -> str | None:
    """The name of the only file in a zip; None if the zip is a workbook."""
    with location.opened() as file, zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if "[Content_Types].xml" in names:
            return None
        if len(names) != 1:
            what = f"a zip with {len(names)} files; zip one file only, or unpack them into a folder"
            raise InputRefused(f"{location.name}: {what}", code="not-readable")
        if archive.getinfo(names[0]).flag_bits & 1:
            raise InputRefused(f"{location.name}: protected by a password; remove it", code="password")
    return names[0]

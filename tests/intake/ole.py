"""Files as old Office wrote them: a container of streams, and the workbook that is one of them."""

import struct
from collections.abc import Collection, Mapping, Sequence

SECTOR = 512
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
SMALLEST_STREAM = 4096
FIRST_FORMAT = 164
STRUCK = 5
"""The index of a font that strikes out, which is the fifth: no font has index 4."""


def ole(streams: Mapping[str, bytes]) -> bytes:
    """A compound file; every stream is filled up, so that none is a mini stream."""
    sectors: list[bytes] = []
    entries = [_entry("Root Entry", kind=5, child=1 if streams else FREE)]
    fat = [FAT, END]
    for at, (name, stream) in enumerate(streams.items(), start=1):
        data = stream.ljust(max(SMALLEST_STREAM, -(-len(stream) // SECTOR) * SECTOR), b"\0")
        start = len(fat)
        count = len(data) // SECTOR
        fat += [*range(start + 1, start + count), END]
        sectors += [data[place : place + SECTOR] for place in range(0, len(data), SECTOR)]
        right = at + 1 if at < len(streams) else FREE
        entries.append(_entry(name, kind=2, right=right, start=start, size=len(data)))
    assert len(fat) <= SECTOR // 4
    assert len(entries) <= SECTOR // 128
    table = struct.pack(f"<{SECTOR // 4}I", *fat, *[FREE] * (SECTOR // 4 - len(fat)))
    directory = b"".join(entries).ljust(SECTOR, b"\0")
    return _header() + table + directory + b"".join(sectors)


def xls(
    rows: Sequence[Sequence[str | float]],
    *,
    locked: bool = False,
    styles: Sequence[str] = (),
    struck: Collection[int] = (),
) -> bytes:
    """A BIFF8 workbook of one sheet; style 0 is plain, and the others have these number formats, or strike out."""
    start = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
    start += record(0x2F, struct.pack("<HHH", 1, 1, 1) + bytes(48)) if locked else b""
    start += b"".join(_font(is_struck=index == STRUCK - 1) for index in range(STRUCK)) if struck else b""
    start += b"".join(_format(index, code) for index, code in enumerate(styles)) + (_style(0) if styles else b"")
    start += b"".join(_style(FIRST_FORMAT + index, index + 1 in struck) for index in range(len(styles)))
    end = record(0x0A, b"")
    name = b"Kunder"
    bound = 4 + 4 + 2 + 1 + 1 + len(name)
    sheet_at = len(start) + bound + len(end)
    sheet = record(0x85, struct.pack("<IHBB", sheet_at, 0, len(name), 0) + name)
    assert len(sheet) == bound
    cells = b"".join(_cell(row, at, cell) for row, line in enumerate(rows) for at, cell in enumerate(line))
    return start + sheet + end + record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6)) + cells + end


def _format(index: int, code: str) -> bytes:
    text = code.encode("latin-1")
    return record(0x41E, struct.pack("<HHB", FIRST_FORMAT + index, len(text), 0) + text)


def _font(*, is_struck: bool) -> bytes:
    return record(0x31, struct.pack("<HHHHHBBBBBB", 200, 8 * is_struck, 8, 400, 0, 0, 0, 0, 0, 1, 0) + b"A")


def _style(number_format: int, is_struck: bool = False) -> bytes:
    return record(0xE0, struct.pack("<HH", STRUCK * is_struck, number_format) + bytes(16))


def _cell(row: int, at: int, cell: str | float) -> bytes:
    place = struct.pack("<HHH", row, at, 0)
    if isinstance(cell, float):
        return record(0x203, place + struct.pack("<d", cell))
    text = cell.encode("utf-16-le")
    return record(0x204, place + struct.pack("<HB", len(text) // 2, 1) + text)


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _entry(name: str, *, kind: int, child: int = FREE, right: int = FREE, start: int = END, size: int = 0) -> bytes:
    text = name.encode("utf-16-le")
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(text) + 2, kind, 1, FREE, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def _header() -> bytes:
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, SMALLEST_STREAM, END, 0, END, 0)
        + struct.pack("<109I", 0, *[FREE] * 108)
    )

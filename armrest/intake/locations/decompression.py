"""Decompress files piece by piece; a truncated file always raises an error."""

import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, cast

from armrest.intake.locations.spool import Opened

PIECE_BYTES: Final = 1 << 18
_BUFFER_BYTES: Final = 1 << 16
"""Little is unpacked that nobody reads: the customers of a SAF-T file may be followed by gigabytes."""
Unpack = Callable[[Opened], Iterator[bytes]]


def decompress(unpack: Unpack, opened: Opened) -> Opened:
    """Return an opener of the decompressed content."""
    return lambda: cast(BinaryIO, io.BufferedReader(_Pieces(unpack(opened)), _BUFFER_BYTES))


def gunzip(opened: Opened) -> Iterator[bytes]:
    """Yield the content of a gzip file."""
    with opened() as file, gzip.GzipFile(fileobj=file) as inside:
        while piece := inside.read(PIECE_BYTES):
            yield piece


def unzip(opened: Opened, *, member: str) -> Iterator[bytes]:
    """Yield the content of one file in a zip."""
    with opened() as file, zipfile.ZipFile(file) as archive, archive.open(member) as inside:
        while piece := inside.read(PIECE_BYTES):
            yield piece


def unzstd(opened: Opened) -> Iterator[bytes]:
    """Yield the content of all frames of a Zstandard file.

    Raises:
        EOFError: The file is cut short.
    """
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    with opened() as file, zstd.ZstdFile(file) as inside:
        while piece := inside.read(PIECE_BYTES):
            yield piece


class _Pieces(io.RawIOBase):
    """A readable file made from an iterator of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._pieces.close()  # type: ignore[attr-defined]
        super().close()

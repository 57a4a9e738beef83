"""A file behind an address: fetched once, whole or only as far as it is read, and not changed meanwhile."""

import io
import os
import tempfile
import weakref
from datetime import datetime
from typing import Any, BinaryIO, Final, cast

from armrest.intake.errors import changed_while_read
from armrest.intake.locations.spool import Opened, spooled

PIECE_BYTES: Final = 1 << 18
"""How much of a large object is fetched at once, and at most in vain."""
SMALL_BYTES: Final = 1 << 20
"""An object up to this size is fetched whole: what is saved would not be worth another request."""
_BUFFER_BYTES: Final = 1 << 16
_OBJECT_STORES: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
"""The protocols whose stores give any part of an object."""
_SIGNS: Final = ("ETag", "etag", "size", "LastModified", "last_modified", "mtime", "created", "generation", "md5")
"""What changes when a remote file is written or replaced; each store has some of them."""


class RemoteFile:
    """A remote file as it was when it was located.

    Args:
        system: fsspec's file system.
        name: The name to show.

    Attributes:
        opened: Opens the file at its start.
        size_bytes: None if unknown.
        modified_at: When it was last written; None if unknown.
        is_whole: Whether it was fetched whole; the store may replace it from then on.
    """

    def __init__(self, system: Any, path: str, name: str) -> None:
        self.name = name
        self._system = system
        self._path = path
        info = self._info = self._newest_info()
        self.size_bytes: int | None = info.get("size")
        modified_at = info.get("LastModified") or info.get("last_modified") or info.get("mtime")
        self.modified_at = modified_at if isinstance(modified_at, datetime) else None
        self.is_whole = False
        if self.size_bytes is not None and self.size_bytes > SMALL_BYTES and _is_object_store(system):
            self.opened = _Pieces(system, path, self.size_bytes).open
        else:
            self.opened = self.fetch()

    def fetch(self) -> Opened:
        """Fetch the whole file at once, so that it does not change during reading.

        Raises:
            InputRefused: It changed while it was fetched: by its ETag in an object store, else by its size or its time.
        """
        try:
            with self._system.open(self._path, "rb") as file:
                opened = spooled(file)
        except OSError:
            self.check_unchanged()
            raise
        self.check_unchanged()
        self.is_whole = True
        return opened

    def check_unchanged(self) -> None:
        """Check that all pieces are of one file.

        Raises:
            InputRefused: The file has changed since it was located.
        """
        if self.is_whole:
            return
        now = self._newest_info()
        if any(self._info.get(sign) != now.get(sign) for sign in _SIGNS):
            raise changed_while_read(self.name)

    def _newest_info(self) -> dict[str, Any]:
        """What the store says of the file now, not what it said when its folder was listed."""
        self._system.invalidate_cache()
        info: dict[str, Any] = self._system.info(self._path)
        return info


def _is_object_store(system: Any) -> bool:
    protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
    return not protocols.isdisjoint(_OBJECT_STORES)


class _Pieces:
    """An object whose pieces are fetched when they are read, and kept on disk, so that each is fetched once."""

    def __init__(self, system: Any, path: str, size: int) -> None:
        self.size = size
        self._system = system
        self._path = path
        self._fetched: set[int] = set()
        with tempfile.TemporaryFile() as copy:
            self._descriptor = os.dup(copy.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    def open(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_PieceReader(self), _BUFFER_BYTES))

    def read(self, position: int, count: int) -> bytes:
        """Return up to `count` bytes from a position on, none at the end.

        Raises:
            EOFError: The store gives fewer bytes than it said.
        """
        number = position // PIECE_BYTES
        start, end = number * PIECE_BYTES, min((number + 1) * PIECE_BYTES, self.size)
        if position < self.size and number not in self._fetched:
            content: bytes = self._system.cat_file(self._path, start=start, end=end)
            if len(content) != end - start or os.pwrite(self._descriptor, content, start) != len(content):
                raise EOFError
            self._fetched.add(number)
        return os.pread(self._descriptor, max(0, min(count, end - position)), position)


class _PieceReader(io.RawIOBase):
    """Reads an object from its start."""

    def __init__(self, pieces: _Pieces) -> None:
        self._pieces = pieces
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._pieces.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self._pieces.read(self._position, len(buffer))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

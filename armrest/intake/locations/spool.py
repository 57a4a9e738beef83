"""Nameless copies of files on disk, which go away with their openers."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from typing import IO, BinaryIO, Final

Opened = Callable[[], BinaryIO]
"""Opens a file at its start; may be called repeatedly."""
_PIECE_BYTES: Final = 1 << 20


def spooled(file: IO[bytes]) -> Opened:
    """Copy a file; the copy is deleted with the returned opener."""
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy, _PIECE_BYTES)
        copy.flush()
        descriptor = os.dup(copy.fileno())

    def opened() -> BinaryIO:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.fdopen(os.dup(descriptor), "rb")

    weakref.finalize(opened, os.close, descriptor)
    return opened


def seekable(opened: Opened) -> Opened:
    """The same file, copied if needed so that it is seekable."""
    with opened() as file:
        return opened if file.seekable() else spooled(file)

"""Replace a file as a whole: it holds the old bytes until the new ones are complete and on disk."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

SUFFIX: Final = ".writing"
"""End of the name of a file that is not complete yet; a crash leaves it, and the next write or a purge removes it."""

_MEMORY: Final = "/dev/shm/"  # noqa: S108  a file system, the only one among the devices


def partial_path(file: Path) -> Path:
    """The path under which a file is written before it takes its place.

    Raises:
        OSError: The path names no file: a folder, or a device such as `/dev/stdout`, which must not be replaced.
    """
    if not file.name or file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    path = str(file.absolute())
    is_of_kernel = path.startswith(("/dev/", "/proc/")) and not path.startswith(_MEMORY)
    if is_of_kernel or (file.exists() and not file.is_file()):
        raise OSError(errno.EINVAL, "it is a device, not a file")
    return file.with_name(f".{file.name}{SUFFIX}")


class AtomicFile:
    """A file that only its owner may read, written next to the one that it replaces.

    Attributes:
        handle: Takes the bytes.

    Raises:
        OSError: It cannot be created.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._partial = partial_path(file)
        self._partial.unlink(missing_ok=True)
        descriptor = os.open(self._partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        self.handle: BinaryIO = os.fdopen(descriptor, "w+b")

    def commit(self) -> None:
        """Put the file in its place, and close it.

        Raises:
            OSError: The disk is full, or another process has begun to write the same file.
        """
        try:
            self.handle.flush()
            os.fsync(self.handle.fileno())
            if not os.path.samestat(os.fstat(self.handle.fileno()), self._partial.stat()):
                raise FileExistsError(17, "another process writes the same file")
            self._partial.replace(self._file)
        except OSError:
            self.discard()
            raise
        self.handle.close()
        sync_folder(self._file.parent)

    def discard(self) -> None:
        """Remove what was written, unless another process has begun to write the same file; the old file stays."""
        with suppress(OSError):
            if os.path.samestat(os.fstat(self.handle.fileno()), self._partial.stat()):
                self._partial.unlink()
        with suppress(OSError):
            self.handle.close()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a new, renamed or removed file; not all file systems can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

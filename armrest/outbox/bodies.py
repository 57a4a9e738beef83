"""Store request bodies exactly as they will be sent: many per file, each located by offset and length.

Any fsspec store works: a local folder, S3, Azure. A local file and its folder are
flushed to disk before its plan is complete.
"""

import hashlib
import os
import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self
from urllib.parse import urlsplit

import fsspec

from armrest.outbox.errors import BodyUnusable
from armrest.tabular import sync_folder

SUFFIX: Final = ".bodies"
FILE_BYTES: Final = 64 * 1024 * 1024
"""A file of bodies is closed once it holds this much."""

PURGED: Final = ""
"""The file name of a purged body; its hash and length stay known."""


@dataclass(frozen=True, slots=True)
class BodyRef:
    """The location of a body, and its SHA-256, which is checked before it is sent."""

    file: str
    offset: int
    length: int
    sha256: bytes


class BodyStore:
    """A folder of bodies at any fsspec URL.

    Args:
        owner: The id of the ledger that the bodies belong to. It becomes part of the names of new files, because
            several ledgers may share a store. Empty: the names do not say it.
    """

    def __init__(self, url: str, *, owner: str = "") -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._owner = owner
        self._local = not urlsplit(url).scheme or urlsplit(url).scheme == "file"

    @property
    def name(self) -> str:
        """The store's folder or bucket, without credentials."""
        return str(self._root)

    @property
    def is_shared(self) -> bool:
        """Whether other machines can reach it."""
        return not self._local

    def read(self, ref: BodyRef) -> bytes:
        """Return a body.

        Raises:
            BodyUnusable: It was purged, is gone, or differs from the one that was planned; `kind` says which.
        """
        if ref.file == PURGED:
            raise BodyUnusable("the body was purged (`armrest purge`): send from the source again", kind="purged")
        try:
            body: bytes = self._fs.cat_file(self._path(ref.file), start=ref.offset, end=ref.offset + ref.length)
        except FileNotFoundError:
            raise BodyUnusable(f"the body in {ref.file} is gone: send from the source again", kind="gone") from None
        except OSError as error:
            raise BodyUnusable(
                f"the body in {ref.file} cannot be read: {error.strerror or type(error).__name__}", kind="unreadable"
            ) from None
        if hashlib.sha256(body).digest() != ref.sha256:
            raise BodyUnusable(
                f"the body at {ref.file}+{ref.offset} is not the one that was planned: nothing of it is sent",
                kind="short" if len(body) < ref.length else "changed",
            )
        return body

    def writer(self, folder: str) -> "BodyWriter":
        """Return a writer of new files in a folder, named after the run by convention."""
        first = 1 + max(map(_number_of, self.files(folder)), default=-1)
        return BodyWriter(self, folder, first=first, owner=self._owner)

    def is_own(self, file: str) -> bool:
        """Whether a file says in its name that it belongs to the ledger of this store."""
        return bool(self._owner) and file.rsplit("/", 1)[-1].split("-")[1:2] == [self._owner]

    def newest_change(self, files: Iterable[str]) -> float | None:
        """Return when the newest of these files was written, in seconds since 1970; None if the store does not say."""
        self._fs.invalidate_cache()
        try:
            return max((self._fs.modified(self._path(file)).timestamp() for file in files), default=None)
        except (NotImplementedError, FileNotFoundError):
            return None

    def self_test(self) -> None:
        """Write a file, read it and remove it.

        Raises:
            BodyUnusable: One of these steps fails.
        """
        folder = f"try-{secrets.token_hex(4)}"
        try:
            self._fs.makedirs(self._path(folder), exist_ok=True)
            self._fs.pipe_file(self._path(f"{folder}/file"), b"armrest")
            readable = self._fs.cat_file(self._path(f"{folder}/file")) == b"armrest"
            self.remove(folder)
        except Exception as error:  # noqa: BLE001  every store raises its own errors
            raise BodyUnusable(f"the store {self._root} cannot be used: {_short(error)}") from None
        if not readable:
            raise BodyUnusable(f"the store {self._root} does not return the bytes that were written to it")

    def remove_files(self, files: Collection[str]) -> None:
        """Remove these files, and their folders if they are empty then; missing files are ignored.

        To remove files that others may still need, list them first, then assert the right in a transaction, and then
        remove the listed ones: files that a later writer adds have other names.
        """
        for file in files:
            with suppress(FileNotFoundError):
                self._fs.rm(self._path(file))
        for folder in {file.rsplit("/", 1)[0] for file in files}:
            with suppress(OSError):
                self._fs.rmdir(self._path(folder))

    def folders(self) -> set[str]:
        """Return the names of all folders."""
        self._fs.invalidate_cache()
        paths = self._fs.ls(self._root, detail=False) if self._fs.exists(self._root) else []
        return {path.rstrip("/").rsplit("/", 1)[-1] for path in paths}

    def files(self, folder: str) -> list[str]:
        """Return the files of a folder, from all writers."""
        return [f"{folder}/{name}" for name in self._names(self._path(folder)) if name.endswith(SUFFIX)]

    def _names(self, path: str) -> Iterable[str]:
        if self._local:  # fsspec looks at each file: 20 ms for 400 of them, and each split of a batch asks
            with suppress(FileNotFoundError), os.scandir(path) as entries:
                return [entry.name for entry in entries]
            return ()
        self._fs.invalidate_cache()
        listed = self._fs.ls(path, detail=False) if self._fs.exists(path) else []
        return (name.rsplit("/", 1)[-1] for name in listed)

    def remove(self, folder: str) -> None:
        """Remove a folder with all its bodies, if it exists."""
        if self._fs.exists(self._path(folder)):
            self._fs.rm(self._path(folder), recursive=True)

    def open_for_writing(self, file: str) -> IO[bytes]:
        """Open a new file of bodies, and create its folder if needed."""
        self._make_folder(self._path(file.rsplit("/", 1)[0]))
        handle: IO[bytes] = self._fs.open(self._path(file), "wb")
        if self._local:
            Path(self._path(file)).chmod(0o600)
        return handle

    def _make_folder(self, folder: str) -> None:
        is_new = self._local and not Path(folder).exists()
        self._fs.makedirs(folder, exist_ok=True)
        if is_new:  # its name, and that of a new store, have to survive a power cut as well
            sync_folder(Path(folder).parent)
            sync_folder(Path(folder).parent.parent)

    def _path(self, file: str) -> str:
        return f"{self._root.rstrip('/')}/{file}"

    def finish(self, file: str, handle: IO[bytes]) -> None:
        """Close a file so that its content and its name survive a power cut."""
        handle.flush()
        if self._local:
            os.fsync(handle.fileno())
            sync_folder(Path(self._path(file)).parent)
        handle.close()


def _short(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _number_of(file: str) -> int:
    return int(file.rsplit("/", 1)[-1].removesuffix(SUFFIX).split("-")[0])


class BodyWriter:
    """Appends bodies to files numbered from `first`, as many as needed; a context manager.

    Each writer uses file names of its own: several machines may split batches of one run at the same moment, and a
    planner that slept through a takeover must not overwrite the bodies of the next one.

    Attributes:
        files: The files that it has written.
    """

    def __init__(self, store: BodyStore, folder: str, *, first: int, owner: str = "") -> None:
        self._store = store
        self._folder = folder
        self._number = first
        self._mark = "".join(f"-{part}" for part in (owner, secrets.token_hex(4)) if part)
        self._file = ""
        self.files: list[str] = []
        self._handle: IO[bytes] | None = None
        self._offset = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def write(self, body: bytes) -> BodyRef:
        """Append a body, and return its location. The body is safe once the writer is closed."""
        if self._handle is None or self._offset >= FILE_BYTES:
            self._open_next()
        assert self._handle is not None
        self._handle.write(body)
        ref = BodyRef(self._file, self._offset, len(body), hashlib.sha256(body).digest())
        self._offset += len(body)
        return ref

    def _open_next(self) -> None:
        self._close()
        self._file = f"{self._folder}/{self._number:05d}{self._mark}{SUFFIX}"
        self._number += 1
        self.files.append(self._file)
        self._handle = self._store.open_for_writing(self._file)
        self._offset = 0

    def _close(self) -> None:
        if self._handle is not None:
            self._store.finish(self._file, self._handle)
            self._handle = None

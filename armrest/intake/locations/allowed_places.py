"""Restrict the files that a form may name: to the inbox, or to the places in the settings. See decision 0071.

A flow reads files with the rights of its own process, but the person who fills in the form may not read them all. So a
file is opened without following a link out of its folder, and the file that is opened is the one that was checked.
"""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote

from armrest.intake.errors import InputRefused

MOST_LISTED: Final = 20
HIDDEN: Final = (".", "_")
SQL: Final = "sql:"
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The only places that a source and a mapping may come from.

    Attributes:
        inbox: The folder of customer files; None if there is none.
        prefixes: Allowed beginnings of URLs, and other folders of customer files; each ends with `/`.
        mappings: The folder of mapping files; None if there is none.
        handed_over: The folder of frames that programs hand over, a path or URL that ends with `/`; no person names
            it, so messages leave it out.
    """

    inbox: Path | None = None
    prefixes: tuple[str, ...] = ()
    mappings: Path | None = None
    handed_over: str | None = None

    def located(self, source: str) -> str:
        """Return the absolute location of a source; a relative path is relative to the inbox.

        Raises:
            InputRefused: It may not be read.
        """
        if source.startswith(SQL):
            return source
        if "://" in source:
            return self._checked_address(source)
        path = self._in_inbox(source)
        self.folder_of(path, named=source)
        return str(path)

    def folder_of(self, path: Path, *, named: str) -> Path:
        """Return the allowed folder that holds a customer file; `named` is the name to show.

        Raises:
            InputRefused: The file, or the target of its link, is anywhere else. The message does not say what exists.
        """
        for folder in self.folders():
            if _lies_in(path, folder):
                return folder
        why = "a deployment reads only files in the inbox, and none that a link leads to elsewhere"
        raise self._refused(named, why)

    def open_source(self, path: Path, *, named: str) -> BinaryIO:
        """Open a customer file.

        Raises:
            InputRefused: The file may not be read.
            OSError: The file cannot be read.
        """
        try:
            return open_within(path, self.folder_of(path, named=named))
        except Unsafe as unsafe:
            raise self._refused(named, str(unsafe)) from None

    def mapping_text(self, mapping: str) -> str:
        """Return the text of a mapping file; a relative path is relative to the folder of mappings.

        Raises:
            InputRefused: The file may not or cannot be read.
        """
        if self.mappings is None:
            what = "in a deployment a mapping comes from the folder of ARMREST_MAPPINGS, which is not set"
            raise InputRefused(f"{_printable(mapping)}: {what}", code="bad-mapping")
        content = f"{self.mappings} holds {_listed(self.mappings)}"
        try:
            with open_within(self.mappings / mapping, self.mappings) as file:
                return file.read().decode("utf-8-sig")
        except Unsafe as unsafe:
            raise InputRefused(f"{_printable(mapping)}: {unsafe}; {content}", code="bad-mapping") from None
        except (OSError, ValueError, RuntimeError):
            what = "in a deployment a mapping comes from the folder of ARMREST_MAPPINGS; there it cannot be read"
            raise InputRefused(f"{_printable(mapping)}: {what}; {content}", code="bad-mapping") from None

    def folders(self) -> tuple[Path, ...]:
        """Return the folders of customer files."""
        inbox = () if self.inbox is None else (self.inbox,)
        return (*inbox, *(Path(prefix) for prefix in self._allowed if "://" not in prefix))

    @property
    def _allowed(self) -> tuple[str, ...]:
        return (*self.prefixes, *filter(None, [self.handed_over]))

    def describe(self) -> str:
        """Describe where a source may come from, and list the inbox."""
        content = (
            f"the inbox {self.inbox} holds {_listed(self.inbox)}" if self.inbox else "no inbox is set (ARMREST_INBOX)"
        )
        prefixes = f"; else it begins with {' or '.join(self.prefixes)}, or is sql:NAME" if self.prefixes else ""
        return content + prefixes

    def _in_inbox(self, source: str) -> Path:
        return Path(source) if self.inbox is None or Path(source).is_absolute() else self.inbox / source

    def _checked_address(self, source: str) -> str:
        """Refuse a URL outside the prefixes: by its beginning, by `..`, or chained to another with `::`."""
        parts = unquote(source).replace("\\", "/").split("/")
        addresses = [prefix for prefix in self._allowed if "://" in prefix]
        if "::" not in source and ".." not in parts and source.startswith(tuple(addresses)):
            return source
        scheme = source.partition("://")[0]
        raise self._refused(f"an address {scheme}://…", "a deployment may not read it")

    def _refused(self, named: str, why: str) -> InputRefused:
        return InputRefused(f"{_printable(named)}: {why}; {self.describe()}", code="outside-inbox")


class Unsafe(Exception):
    """A file that may not be read although its name is allowed; the message says why, and what to do."""


def open_within(path: Path, folder: Path) -> BinaryIO:
    """Open a file in a folder, or in one of its subfolders, for reading.

    The links in its path are resolved first. Then every part of the result is opened from the folder on, without
    following links. So the open file is in the folder, even if someone changes links or names meanwhile.

    Raises:
        Unsafe: The file is elsewhere, has a second name (a hard link), or is not a regular file.
        OSError: The file cannot be opened.
    """
    real, root = path.resolve(), folder.resolve()
    if not real.is_relative_to(root):
        raise Unsafe("it is outside its folder, or a link to a file outside: put the file itself into the folder")
    parts = real.relative_to(root).parts or (".",)
    descriptor = _open_part_by_part(root, parts)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISREG(status.st_mode):
        raise Unsafe("it has a second name (a hard link), which may lie anywhere: put a copy of the file there")
    raise Unsafe("it is not a regular file")


def _open_part_by_part(root: Path, parts: Sequence[str]) -> int:
    folder = os.open(root, _FOLDER)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _lies_in(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that is too long or has a NUL
        return False


def _printable(name: str) -> str:
    """A typed name made printable on one line: a database may not store a character 0."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _listed(folder: Path) -> str:
    """List the content of a folder, without hidden files."""
    names: list[str] = []
    with suppress(OSError):
        names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in folder.iterdir())
    names = [name for name in names if not name.startswith(HIDDEN)]
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"{', '.join(names[:MOST_LISTED])}{more}" if names else "nothing"

"""Locate a source: a file, a folder or glob, standard input, or any fsspec URL; it can be opened repeatedly."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from armrest.intake.errors import InputRefused, SourceUnavailable, changed_while_read
from armrest.intake.locations.allowed_places import HIDDEN, Places
from armrest.intake.locations.outage import is_outage
from armrest.intake.locations.remote_file import RemoteFile
from armrest.intake.locations.spool import Opened, spooled

_GLOB_SIGNS: Final = frozenset("*?[")
_PACKAGES: Final = {"s3": "s3fs", "sftp": "paramiko", "ssh": "paramiko", "abfs": "adlfs", "az": "adlfs", "gs": "gcsfs"}
"""The package that fsspec needs for each URL scheme."""
_DAMAGED: Final = frozenset({"zlib", "gzip", "zipfile", "compression.zstd", "backports.zstd", "pyarrow.lib"})
"""Modules whose errors mean that the bytes are damaged."""


@dataclass(frozen=True, slots=True)
class Location:
    """One file.

    Attributes:
        name: The name to show, without credentials.
        opened: Opens the file at its start.
        modified_at: When it was last written, in UTC; None if unknown.
        check_unchanged: Refuses the file if it has changed since it was located.
        fetch: Fetches the whole file at once; None: it is here. Until then, `opened` fetches only what is read.
    """

    name: str
    opened: Opened
    size_bytes: int | None = None
    modified_at: datetime | None = None
    check_unchanged: Callable[[], None] = lambda: None
    fetch: Callable[[], Opened] | None = None


def locate(source: str, *, inbox: Path | None = None, places: Places | None = None) -> list[Location]:
    """The files of a source, in the order of their names, without hidden files (`.`, `_`) of a folder.

    Args:
        source: A path, a glob, `-` for standard input, or a URL such as `s3://bucket/customers.csv`.
        inbox: The folder in which plain names are looked up first.
        places: The only places that it may come from; None: any.

    Raises:
        InputRefused: There is no such file, or it cannot be read.
    """
    name = display_name(source)
    if places is not None:
        return _located_in(places, source, name)
    with readable(name):
        if source == "-":
            return [Location("standard input", spooled(sys.stdin.buffer))]
        locations = _remote(source) if "://" in source else [_local(path) for path in _paths(source, inbox)]
    if not locations:
        raise InputRefused(f"{name}: there is no such file, or the folder is empty", code="no-such-file")
    return locations


def _located_in(places: Places, source: str, name: str) -> list[Location]:
    """The files of a source that may come only from the allowed places."""
    locations: list[Location] = []
    source = places.located(source)
    with readable(name), suppress(FileNotFoundError):
        if "://" in source:
            locations = _remote(source)
        else:
            locations = [
                _local(path, partial(places.open_source, path, named=path.name)) for path in _paths(source, None)
            ]
    if not locations:
        what = "there is no such file, or the folder is empty"
        raise InputRefused(f"{name}: {what}; {places.describe()}", code="no-such-file")
    return locations


def display_name(source: str) -> str:
    """The name of a source to show: a URL without user, password and query."""
    if "://" not in source:
        return source
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Explain in one line why a source cannot be read.

    Raises:
        InputRefused: It cannot be read until someone corrects something.
        SourceUnavailable: It cannot be read at the moment.
    """
    try:
        yield
    except (InputRefused, SourceUnavailable):
        raise
    except FileNotFoundError:
        raise InputRefused(f"{name}: there is no such file", code="no-such-file") from None
    except PermissionError:
        raise InputRefused(f"{name}: you may not read it; ask its owner for access", code="not-readable") from None
    except ImportError as error:
        package = _PACKAGES.get(urlsplit(name).scheme, error.name or "that reads it")
        what = f"this kind of source needs a package that is not installed; pip install {package}"
        raise InputRefused(f"{name}: {what}", code="not-readable") from None
    except Exception as error:  # noqa: BLE001  whatever a file system or a codec raises, the source cannot be read
        if is_outage(error):
            what = f"cannot be read at the moment ({_reason(error)}); try again"
            raise SourceUnavailable(f"{name}: {what}") from None
        damaged = isinstance(error, EOFError) or type(error).__module__ in _DAMAGED
        what = "damaged, or cut short; download it again" if damaged else f"cannot be read ({_reason(error)})"
        raise InputRefused(f"{name}: {what}", code="damaged" if damaged else "not-readable") from None


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__


def _paths(source: str, inbox: Path | None) -> list[Path]:
    path = Path(source).expanduser()
    if inbox is not None and len(path.parts) == 1 and (inbox / path).exists():
        path = inbox / path
    if path.is_dir():
        return _visible(path.iterdir())
    if not path.exists() and _GLOB_SIGNS & set(path.name):
        return _visible(path.parent.glob(path.name))
    return [path]


def _visible(paths: Iterator[Path]) -> list[Path]:
    return sorted(path for path in paths if path.is_file() and not path.name.startswith(HIDDEN))


def _local(path: Path, opened: Opened | None = None) -> Location:
    """A file on this machine; `opened` opens it, if given."""
    opens: Opened = opened or (lambda: path.open("rb"))

    def status() -> os.stat_result:
        with opens() as file:
            return os.fstat(file.fileno())

    first = status()

    def check_unchanged() -> None:
        if _stamp(status()) != _stamp(first):
            raise changed_while_read(path.name)

    modified_at = datetime.fromtimestamp(first.st_mtime, UTC)
    return Location(path.name, opens, first.st_size, modified_at, check_unchanged)


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is written or replaced."""
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


def _remote(source: str) -> list[Location]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(source)
    except ValueError:
        raise InputRefused(
            f"{display_name(source)}: unknown kind of URL; try s3://, sftp:// or abfs://", code="no-such-file"
        ) from None
    if _GLOB_SIGNS & set(path):
        paths = sorted(system.glob(path))
    elif system.isdir(path):
        files = (entry["name"] for entry in system.ls(path, detail=True) if entry["type"] == "file")
        paths = sorted(name for name in files if not name.rpartition("/")[2].startswith(HIDDEN))
    else:
        paths = [path]
    return [_object(system, path, display_name(source) if path == paths[0] == paths[-1] else path) for path in paths]


def _object(system: Any, path: str, name: str) -> Location:
    file = RemoteFile(system, path, name)
    fetch = None if file.is_whole else file.fetch
    return Location(name, file.opened, file.size_bytes, file.modified_at, file.check_unchanged, fetch)

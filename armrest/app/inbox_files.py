"""The files in the inbox: how old and large each is, and whether a run has read it.

Requires: `ARMREST_INBOX`.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from armrest.app.environment import SettingsRefused
from armrest.app.source_options import inbox_of
from armrest.outbox import Ledger, SourceRun, newest_runs_of_sources
from armrest.settings import Settings

MOST_FILES: Final = 1000
"""The maximum number of files that are shown, the newest first."""


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A file of the inbox.

    Attributes:
        name: Its path in the inbox, as it is entered in a form.
        size: In bytes.
        run: The newest run that named the file, its folder, or a glob that it matches; None if there is no such run.
    """

    name: str
    changed: datetime
    size: int
    run: SourceRun | None

    @property
    def is_checked(self) -> bool:
        """Whether a run has read it since it was last written."""
        return self.run is not None and self.run.created >= self.changed


def read_inbox(settings: Settings, ledger: Ledger) -> list[InboxFile]:
    """Return the files of the inbox and its folders, the newest first. Links and hidden files are left out.

    Raises:
        SettingsRefused: No inbox is set, or it is not a folder that can be read.
    """
    folder = inbox_of(settings)
    if folder is None:
        raise SettingsRefused("no inbox is set on this worker: set ARMREST_INBOX where the worker starts")
    if not folder.is_dir():
        raise SettingsRefused(f"ARMREST_INBOX: {folder} is not a folder: create it, or name another")
    newest = newest_runs_of_sources(ledger)
    files = [
        InboxFile(
            path.relative_to(folder).as_posix(),
            datetime.fromtimestamp(entry.st_mtime, UTC),
            entry.st_size,
            next((run for run in newest if _reads(run.source, path)), None),
        )
        for path, entry in _files(folder)
    ]
    return sorted(files, key=lambda file: file.changed, reverse=True)


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the regular files beneath a folder; a file that is removed at the same time is left out."""
    try:
        for parent, folders, names in os.walk(folder, onerror=_refuse):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = Path(parent, name)
                if not name.startswith(".") and not path.is_symlink():
                    try:
                        yield path, path.stat()
                    except FileNotFoundError:
                        continue
    except OSError as error:
        raise SettingsRefused(
            f"ARMREST_INBOX: {folder} cannot be read ({error.strerror}): let the worker read it"
        ) from None


def _refuse(error: OSError) -> None:
    raise error


def _reads(source: str, path: Path) -> bool:
    """Return whether a source names a file: itself, a folder that it is in, or a glob."""
    return source == str(path) or Path(source) in path.parents or fnmatch(str(path), source)


def count_unchecked(files: Sequence[InboxFile]) -> int:
    """Return how many files no run has read since they were last written."""
    return sum(1 for file in files if not file.is_checked)

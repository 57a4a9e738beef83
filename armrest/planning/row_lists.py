"""The files that a plan leaves for people: the rows to fix, and the customers that have vanished."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import fsspec

from armrest.intake import InputRefused, Reject, RejectsFile, Source
from armrest.outbox import PlanAttempt
from armrest.tabular import TableLayout, open_csv, partial_path

REJECTED: Final = ".csv"
VANISHED: Final = "-vanished.csv"
_VANISHED_LAYOUT: Final = TableLayout(columns=("customerNo",), encoding="utf-8")


class RowLists:
    """The lists of one attempt to plan; those of other attempts have other names.

    Args:
        folder: A folder, or an fsspec URL of one.
    """

    def __init__(self, folder: Path | str, attempt: PlanAttempt) -> None:
        self._folder = folder
        self._attempt = attempt
        self._files = self._files_of(attempt)
        self._rejects_path = f"{self._files}{REJECTED}"
        self._rejects: RejectsFile | None = None

    @property
    def rejects_file(self) -> str | None:
        """The file with the rejected rows; None if there are none."""
        return self._rejects_path if self._rejects and self._rejects.count else None

    @property
    def written_to(self) -> str:
        """Where rejected rows are until their file is complete."""
        return self._rejects.written_to if self._rejects else self._rejects_path

    @property
    def has_open_rejects(self) -> bool:
        """Whether rejected rows were written, and their file has not taken its place yet."""
        return self._rejects is not None and self._rejects.is_open

    def begin(self, source: Source) -> None:
        """Prepare the list of rejected rows; its file is made with the first one."""
        self._rejects = RejectsFile(self._rejects_path, source)

    def write(self, rejects: Iterable[Reject]) -> None:
        """Append rejected rows.

        Raises:
            InputRefused: The file cannot be written.
        """
        if self._rejects is not None:
            with _writable(self._rejects_path):
                self._rejects.write(rejects)

    def close(self) -> None:
        """Complete the file of rejected rows.

        Raises:
            InputRefused: It cannot be written.
        """
        if self._rejects is not None:
            with _writable(self._rejects_path):
                self._rejects.close()

    def write_vanished(self, numbers: Iterable[str]) -> str:
        """Write customer numbers to a file next to the rejects; return its path.

        Raises:
            InputRefused: The file cannot be written.
        """
        path = f"{self._files}{VANISHED}"
        with _writable(path), open_csv(path, _VANISHED_LAYOUT) as file:
            file.write([number] for number in numbers)
        return path

    def remove(self) -> None:
        """Remove the lists of this attempt."""
        _remove(self._files)

    def remove_earlier(self) -> None:
        """Remove the lists that earlier attempts left."""
        for number in range(1, self._attempt.number):
            _remove(self._files_of(replace(self._attempt, number=number)))

    def _files_of(self, attempt: PlanAttempt) -> str:
        return f"{self._folder}/{attempt.run.run_id}{attempt.suffix}"


@contextmanager
def _writable(path: str) -> Iterator[None]:
    """Refuse the source if the list of rows to fix cannot be written."""
    try:
        yield
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise InputRefused(
            f"{path}: the file for rejected rows cannot be written ({what}): check ARMREST_REJECTS_URL",
            code="rejects-not-written",
        ) from None


def _remove(files: str) -> None:
    with suppress(OSError):
        store, path = fsspec.core.url_to_fs(files)
        for whole in (f"{path}{REJECTED}", f"{path}{VANISHED}"):
            for name in (whole, str(partial_path(Path(whole)))):
                if store.exists(name):
                    store.rm(name)

"""Findings in rows, and the file with the rejected rows, to be fixed and read again."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, Self

from armrest.intake.rules import REASONS
from armrest.model import REJECT_COLUMNS
from armrest.tabular import guarded


class SourceShape(Protocol):
    """What the rejects file takes from the source: its columns, delimiter, encoding and row names."""

    columns: tuple[str, ...]
    delimiter: str
    encoding: str

    def place(self, row: int) -> str:
        """Return a row's number, after the name of its file if there are several."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A warning about a row that is sent nevertheless.

    Attributes:
        field: ARM's name of the field.
        customer_no: None if the row has none that may be shown.
    """

    row: int
    field: str
    code: str
    customer_no: str | None

    @property
    def sentence(self) -> str:
        """The finding in words, without cell values."""
        return f"{self.field} {REASONS[self.code].sentence}"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is rejected; the others are sent.

    Attributes:
        field: ARM's name of the first field at fault; `code` says what is wrong with it.
        customer_no: None if the row has none that may be shown.
        cells: The original cells of the row, in the source's order.
        also: Other fields of the row that are at fault, each with its code.
    """

    row: int
    field: str
    code: str
    customer_no: str | None
    cells: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()

    @property
    def fields(self) -> str:
        """The names of all fields at fault."""
        return ", ".join(dict.fromkeys(field for field, _ in self._faults))

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, in words, without cell values."""
        return "; ".join(f"{field} {REASONS[code].sentence}" for field, code in self._faults)

    @property
    def _faults(self) -> tuple[tuple[str, str], ...]:
        return ((self.field, self.code), *self.also)


class RejectsFile:
    """A CSV with the rejected rows in the source's own layout, to be fixed and read again.

    It is created at the first reject, with the source's delimiter and encoding: the source's columns in order, then
    `_row`, `_field` and `_error`. Cells that a spreadsheet would run are guarded, and unguarded when read again.

    Args:
        path: A file that only its owner may read, or any fsspec URL.
    """

    def __init__(self, path: Path | str, source: SourceShape) -> None:
        self.path = path
        self.count = 0
        self._source = source
        self._kept = [at for at, column in enumerate(source.columns) if column not in REJECT_COLUMNS]
        self._file: IO[str] | None = None
        self._writer: Any = None

    def write(self, rejects: Iterable[Reject]) -> None:
        """Append rejects in the given order."""
        for reject in rejects:
            if self._file is None:
                self._open()
            cells = [guarded(reject.cells[at]) for at in self._kept]
            self._writer.writerow([*cells, self._source.place(reject.row), reject.fields, reject.sentence])
            self.count += 1

    def close(self) -> None:
        """Close the file; safe to repeat."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._file = self._new_file()
        self._writer = csv.writer(self._file, delimiter=self._source.delimiter)
        self._writer.writerow([*(self._source.columns[at] for at in self._kept), *REJECT_COLUMNS])

    def _new_file(self) -> IO[str]:
        """Create the file; characters outside the encoding become escapes, which a rule finds when read again."""
        encoding, errors = self._source.encoding, "backslashreplace"
        if isinstance(self.path, str) and "://" in self.path:
            import fsspec

            file: IO[str] = fsspec.open(self.path, "w", encoding=encoding, errors=errors, newline="").open()
            return file
        path = Path(self.path)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        return path.open("w", encoding=encoding, errors=errors, newline="")

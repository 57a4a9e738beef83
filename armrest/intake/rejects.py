"""Rows that do not fit: the closed list of reasons, and the file that holds such rows until they are mended."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from armrest.intake.columns import REJECT_COLUMNS
from armrest.intake.guard import guarded

if TYPE_CHECKING:
    from armrest.intake.sources import Source

REASONS: Final = {
    "missing": "is empty; every row needs one",
    "blank-inside": "holds a blank; write it without",
    "too-long": "is longer than 50 characters",
    "control-character": "holds a control character; type the cell anew",
    "not-a-date": "is not a date that exists; write it as YYYY-MM-DD",
    "date-out-of-range": "lies before 1900 or in the future",
    "not-a-whole-number": "is not a whole number",
    "not-an-email": "is not an e-mail address: each has one @, something on both sides, and no blanks",
    "not-a-country-code": "is not a country code of two letters, like NO",
    "scientific-notation": "is in scientific notation, so digits are lost; fetch it anew and keep the column as text",
    "letters-in-phone": "holds letters; write digits only, with + and the country code where it is foreign",
    "does-not-fit": "does not fit ARM's field",
}
"""Every code, and its sentence after the field's name. Never the cell's value: sentences are logged."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that does not stop the others.

    Attributes:
        field: ARM's name of the first field at fault; `code` says what is wrong with it.
        customer_no: None where the row has none that could be shown.
        cells: The row as it was, in the source's order.
        also: Further fields of the row that are at fault, each with its code.
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
        """What is wrong and what to do, for a person; holds no cell value."""
        return "; ".join(f"{field} {REASONS[code]}" for field, code in self._faults)

    @property
    def _faults(self) -> tuple[tuple[str, str], ...]:
        return ((self.field, self.code), *self.also)


class RejectsFile:
    """Rejected rows in a file of the source's own shape, to be mended and fed back.

    It is made on the first reject, readable by its owner alone, in the source's delimiter and encoding: the source's
    columns in their order, then `_row`, `_field` and `_error`.
    """

    def __init__(self, path: Path, source: "Source") -> None:
        self.path = path
        self.count = 0
        self._source = source
        self._kept = [at for at, column in enumerate(source.columns) if column not in REJECT_COLUMNS]
        self._file: IO[str] | None = None
        self._writer: Any = None

    def write(self, rejects: Iterable[Reject]) -> None:
        """Append; the order is the caller's."""
        for reject in rejects:
            if self._file is None:
                self._open()
            cells = [guarded(reject.cells[at]) for at in self._kept]
            self._writer.writerow([*cells, str(reject.row), reject.fields, reject.sentence])
            self.count += 1

    def close(self) -> None:
        """Safe to repeat."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self.path.unlink(missing_ok=True)
        self.path.touch(mode=0o600, exist_ok=False)
        self._file = self.path.open("w", encoding=self._source.encoding, newline="")
        self._writer = csv.writer(self._file, delimiter=self._source.delimiter)
        self._writer.writerow([*(self._source.columns[at] for at in self._kept), *REJECT_COLUMNS])

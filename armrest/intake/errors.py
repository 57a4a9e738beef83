"""Errors of the intake: the whole input is refused, or cannot be read at the moment."""

from collections.abc import Mapping
from typing import Any, Final

from armrest.errors import ArmrestError

FAULTS: Final = frozenset(
    {
        "address-would-be-blanked",
        "bad-encoding",
        "bad-mapping",
        "binary-workbook",
        "birth-numbers",
        "changed-while-read",
        "column-twice",
        "damaged",
        "duplicate-customer-no",
        "empty",
        "fixed-width",
        "header-not-first",
        "float-numbers",
        "header-only",
        "html",
        "index-holds-field",
        "missing-as-text",
        "missing-column",
        "mixed-types",
        "moment-for-date",
        "nested",
        "no-frame",
        "no-such-file",
        "no-such-sheet",
        "not-readable",
        "nothing-valid",
        "nul",
        "other-format",
        "outside-inbox",
        "password",
        "query-failed",
        "quote",
        "ragged",
        "second-table",
        "too-many-rejected",
        "two-headers",
        "unknown-column",
    }
)
"""Every `code` of this package; planning, which checks a source as a whole, adds its own."""


Positions = Mapping[str, tuple[int, int | None]]
"""For each column of fixed width, its first and last position in a line, from 1; None: up to the end of the line."""


class InputRefused(ArmrestError):
    """The input is refused as a whole, and nothing of it may be sent.

    Args:
        message: One line: the source, what is wrong, where, and what to do. Of cell values, only customer numbers.
        code: A short code for what is wrong, such as one of `FAULTS`.
        rows: The numbers of the rows at fault, with the header as row 1; empty if no row is at fault.
        column: The name in the source of the column at fault.
    """

    def __init__(self, message: str, *, code: str, rows: tuple[int, ...] = (), column: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.rows = rows
        self.column = column

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__)


class FixedWidthFound(InputRefused):
    """The source is text of fixed width, and nobody has said where its columns begin.

    Attributes:
        positions: Where they seem to be.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        positions: Positions,
        rows: tuple[int, ...] = (),
        column: str | None = None,
    ) -> None:
        super().__init__(message, code=code, rows=rows, column=column)
        self.positions = positions


class SourceUnavailable(ArmrestError, ConnectionError):
    """The source could not be read at the moment, though nothing is wrong with it: try again. One line."""


def _rebuild(kind: type[InputRefused], data: dict[str, Any]) -> InputRefused:
    return kind(**data)


def changed_while_read(name: str) -> InputRefused:
    """An error about a file that somebody writes at the moment."""
    what = "it changed while it was read, so it may be incomplete; wait until it is written, and start again"
    return InputRefused(f"{name}: {what}", code="changed-while-read")

"""The one error of the intake: the whole input is refused."""

from typing import Any, Final

FAULTS: Final = frozenset(
    {
        "address-would-be-blanked",
        "bad-encoding",
        "bad-mapping",
        "binary-workbook",
        "column-twice",
        "damaged",
        "duplicate-customer-no",
        "empty",
        "header-only",
        "html",
        "missing-column",
        "nested",
        "no-such-file",
        "no-such-sheet",
        "not-readable",
        "nothing-valid",
        "nul",
        "outside-inbox",
        "password",
        "query-failed",
        "quote",
        "ragged",
        "too-many-rejected",
        "two-headers",
        "unknown-column",
    }
)
"""Every `code` of this room; planning, which judges a source as a whole, adds its own."""


class InputRefused(Exception):
    """The input is refused as a whole, and nothing of it may be sent.

    Args:
        message: One line: the source, what is wrong, where, and what to do. No cell values but customer numbers.
        code: One word for what is wrong, such as one of `FAULTS`.
        rows: The row numbers at fault, the header being row 1; empty where no row is.
        column: The column at fault, as the source names it.
    """

    def __init__(self, message: str, *, code: str, rows: tuple[int, ...] = (), column: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.rows = rows
        self.column = column

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.__dict__)


class SourceUnavailable(ConnectionError):
    """The source could not be read just now, for no fault of its own: reading it again may work. One line."""


def _rebuild(kind: type[InputRefused], data: dict[str, Any]) -> InputRefused:
    return kind(**data)

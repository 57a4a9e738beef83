"""Decide how columns may be shown: by name, or by position if the first row may be a customer.

In a file without a header row, the first customer is in the place of the column names. Refusals end up in logs and in
Prefect, so no cell of such a row is quoted.
"""

import re
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Final

from armrest.intake.formats.headers.header_names import bare, guess
from armrest.model import KNOWN, ONLY_SHOWN
from armrest.tabular import OWN_COLUMNS

Rows = Sequence[Sequence[str]]

ROWS_BENEATH: Final = 50
MOST_SHOWN_LENGTH: Final = 60
SHORTEST_NAME: Final = 4
"""Letters of the shortest name that counts as a guess: NO, By and CO may also be cells."""
HEADER_HINT: Final = "if the first row is a customer, put a header row above it"

_DATA_SIGN: Final = re.compile(r"[\d@]")
_OURS: Final = frozenset((*KNOWN, *ONLY_SHOWN, *OWN_COLUMNS))


class ColumnNames:
    """The names in a header.

    Args:
        mapped: The columns that a mapping names.
        beneath: Returns the first rows below the header; called at most once, and only to show a name.
    """

    def __init__(
        self, columns: Sequence[str], *, mapped: Collection[str] = (), beneath: Callable[[], Rows] = lambda: ()
    ) -> None:
        self._columns = columns
        self._mapped = frozenset(mapped)
        self._beneath = beneath

    @cached_property
    def may_be_data(self) -> bool:
        """Whether the first row may be a customer: a digit, an @, no known name, or a cell that occurs below, too."""
        if self._mapped and self._mapped <= set(self._columns):
            return False
        if any(_DATA_SIGN.search(name) for name in self._columns if not self._is_known(name)):
            return True
        rows = self._beneath()
        return not self._has_a_known_name(rows) or self._stands_beneath(rows)

    def quotable(self, position: int) -> bool:
        """Whether the name of a column, counted from 0, may be shown."""
        name = self._columns[position]
        if self.may_be_data or not name.isprintable() or len(name) > MOST_SHOWN_LENGTH:
            return False
        return self._is_known(name) or _DATA_SIGN.search(name) is None

    def plain(self, position: int) -> str:
        """The name, or `column 3`."""
        return self._columns[position] if self.quotable(position) else f"column {position + 1}"

    def quoted(self, position: int) -> str:
        """`"Navn"`, or `column 3`."""
        return f'"{self._columns[position]}"' if self.quotable(position) else f"column {position + 1}"

    def label(self, position: int) -> str:
        """`column "Navn"`, or `column 3`."""
        return f"column {self.quoted(position)}" if self.quotable(position) else self.quoted(position)

    def _is_known(self, name: str) -> bool:
        return not name or name in _OURS or name in self._mapped or guess(name) is not None

    def _has_a_known_name(self, rows: Rows) -> bool:
        """Whether one is ARM's own, or half can be guessed: one alone may be a customer's town with a field's name."""
        if any(name in _OURS or name in self._mapped for name in self._columns):
            return True
        guessed = [index for index, name in enumerate(self._columns) if self._is_guessed(name, index, rows)]
        return 2 * len(guessed) >= len(list(filter(None, self._columns)))

    def _is_guessed(self, name: str, position: int, rows: Rows) -> bool:
        field = guess(name)
        if field is None:
            return False
        return len(bare(name)) >= SHORTEST_NAME or (field == "customerNo" and _holds_numbers(rows, position))

    def _stands_beneath(self, rows: Rows) -> bool:
        """Whether a cell of the first row occurs again in its column, except in a second header."""
        others = [row for row in rows if list(row) != list(self._columns)]
        return any(
            name and name == cell.strip() for row in others for name, cell in zip(self._columns, row, strict=True)
        )


def _holds_numbers(rows: Rows, position: int) -> bool:
    return any(_DATA_SIGN.search(row[position]) for row in rows)

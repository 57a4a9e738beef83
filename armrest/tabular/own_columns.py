"""The columns that we add to the tables we write. They hold no field of ARM, and are ignored when a table is read."""

from collections.abc import Collection, Iterable
from typing import Final

from armrest.tabular.formula_guard import unguarded

REJECT_COLUMNS: Final = ("_row", "_field", "_error")
"""Columns of a rejects file: where the row was, and what is wrong with it."""

GUARD_COLUMN: Final = "_guarded"
"""The mark of any other table with guarded cells. A column survives every spreadsheet; a comment or metadata do not."""

GUARD_SIGN: Final = "yes"
"""The cell of each row under `GUARD_COLUMN`. Excel writes no delimiters behind the last filled cell of some rows."""

OWN_COLUMNS: Final = (*REJECT_COLUMNS, GUARD_COLUMN)


def has_guard_mark(columns: Collection[str]) -> bool:
    """Whether a table with these columns is ours and its cells are guarded; the rejects file has its own three."""
    return GUARD_COLUMN in columns or set(REJECT_COLUMNS) <= set(columns)


def header_of(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the names of a table's columns, without the guard if the table carries the mark."""
    names = tuple(columns)
    return tuple(map(unguarded, names)) if has_guard_mark(names) else names

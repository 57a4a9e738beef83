"""Find columns that are empty in every row: such a column is none, so it blanks nothing in ARM and needs no name."""

from collections.abc import Collection
from typing import Final

from armrest.intake.formats import Table

FEWEST_ROWS: Final = 4
"""In a shorter list, an empty column may be meant: it may hold the one customer whose phone number is to be blanked."""


def empty_columns(table: Table, positions: Collection[int]) -> frozenset[int]:
    """Return which of these columns are empty in every row.

    The source is read only as far as all of them are. A format that tells a blank from a missing value is not read.
    """
    empty, rows = set(positions), 0
    if table.explicit:
        return frozenset()
    for chunk in table.chunks() if empty else ():
        rows += len(chunk)
        empty -= {position for position in empty if any(map(str.strip, chunk.columns[position]))}
        if not empty:
            break
    return frozenset(empty) if rows >= FEWEST_ROWS else frozenset()

"""Find the header of a table that has titles and notes above it. It is only proposed: a person confirms the row."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from armrest.intake.formats.headers.header_names import guess

ROWS_SEARCHED: Final = 60
_DATA_SIGN: Final = re.compile(r"\d{3}|@")
_FEWEST_NAMES: Final = 2


def probable_header_row(tops: Iterable[Sequence[Sequence[str]]], *, names: Collection[str] = ()) -> int | None:
    """The row number of the first row that looks like a header; None if there is none.

    Args:
        tops: The first rows of the file, once for each way to split them into cells.
        names: The columns that a mapping names; a row that has all of them is the header, whatever they are.
    """
    all_rows = [
        (number, [cell.strip() for cell in record]) for rows in tops for number, record in enumerate(rows, start=1)
    ]
    named = (number for number, cells in all_rows if names and set(names) <= set(cells))
    return next(named, None) or next((number for number, cells in all_rows if _is_header(cells)), None)


def _is_header(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    fields = [field for field in map(guess, filled) if field]
    if "customerNo" not in fields or any(map(_DATA_SIGN.search, filled)):
        return False
    return len(set(fields)) >= _FEWEST_NAMES and 3 * len(fields) >= len(filled)

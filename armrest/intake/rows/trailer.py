"""What stands below the last customer: totals and notes are the end of a list, not rejected rows."""

from typing import Final

from armrest.intake.rows.block_reader import Block
from armrest.intake.rows.rejects import Reject

TRAILER_CODES: Final = frozenset({"total-row", "note-row", "separator-row"})
MOST_ROWS: Final = 20
"""A longer end of a list is rejected row by row: somebody should look at it."""


class Trailer:
    """Holds back the rows that may be the end of the list until another customer follows."""

    def __init__(self) -> None:
        self._held: list[Reject] = []

    @property
    def rows(self) -> tuple[int, ...]:
        """The numbers of the rows that are still held back."""
        return tuple(reject.row for reject in self._held)

    def hold_back(self, block: Block) -> None:
        """Take rows out of a block that may be the end, and put those back that are followed by another row."""
        last = max(
            [*block.row_numbers[-1:], *(reject.row for reject in block.rejects if reject.code not in TRAILER_CODES)],
            default=0,
        )
        trailing = [reject for reject in block.rejects if reject.code in TRAILER_CODES and reject.row > last]
        others = block.rejects
        if trailing:
            rows = {reject.row for reject in trailing}
            others = [reject for reject in block.rejects if reject.row not in rows]
        followed = self._held if last else []
        waiting = trailing if last else [*self._held, *trailing]
        if len(waiting) > MOST_ROWS:
            followed, waiting = [*followed, *waiting], []
        block.rows += len(followed) - len(trailing)
        block.rejects = sorted([*followed, *others], key=lambda reject: reject.row) if followed else others
        self._held = waiting

"""Guard cells that a spreadsheet would run as formulas, and remove the guard when they are read again.

`unguarded(guarded(cell)) == cell` for every text, because a cell that begins like a guarded one is guarded once more.
Only a table with our mark is unguarded: see `has_guard_mark`.
"""

import re
from typing import Final

_RUNS: Final = re.compile(r"'*[=+\-@\t\r]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r]")


def guarded(cell: str) -> str:
    """The cell with `'` before it if a spreadsheet would run it; `unguarded` gives back exactly what it was."""
    return "'" + cell if _RUNS.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell without the `'` that `guarded` set before it."""
    return cell[1:] if _GUARDED.match(cell) else cell

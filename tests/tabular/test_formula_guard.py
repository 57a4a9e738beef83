"""The guard before cells that a spreadsheet would run."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from armrest.tabular import GUARD_COLUMN, REJECT_COLUMNS, guarded, has_guard_mark, unguarded

RUNS = re.compile(r"[=+\-@\t\r]")
"""How a cell begins that a spreadsheet takes for a formula."""


@given(st.text(st.sampled_from("'=+-@\t\ra1 "), max_size=6) | st.text())
@example("@Home AS")
@example("'@Home AS")
@example("''@Home AS")
@example("+4791234567")
def test_a_guarded_cell_is_never_run_and_always_comes_back(cell: str) -> None:
    assert not RUNS.match(guarded(cell))
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize("cell", ["Kari", "'t Hart", "O'Hara", "0010", "", "'"])
def test_a_cell_that_nothing_would_run_stays(cell: str) -> None:
    assert guarded(cell) == unguarded(cell) == cell


@pytest.mark.parametrize(
    ("columns", "marked"),
    [
        (("customerNo", GUARD_COLUMN, "name"), True),
        (("customerNo", *REJECT_COLUMNS), True),
        (("customerNo", "_row", "_error"), False),
        (("customerNo", "guarded"), False),
    ],
)
def test_only_our_own_tables_carry_the_mark(columns: tuple[str, ...], marked: bool) -> None:
    assert has_guard_mark(columns) is marked

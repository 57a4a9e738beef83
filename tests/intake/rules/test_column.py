"""What a column says of its cells at once is what each cell says."""

from hypothesis import given
from hypothesis import strategies as st

from armrest.intake.rules.column import Column

CELLS = st.lists(st.text(st.sampled_from("aø\n"), max_size=12), max_size=8)


@given(CELLS, st.integers(min_value=0, max_value=12))
def test_a_cell_that_is_longer_than_a_limit_is_seen_in_the_joined_text(cells: list[str], length: int) -> None:
    assert Column(cells).has_longer_than(length) is any(len(cell) > length for cell in cells)

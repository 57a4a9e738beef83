"""What a column says of its cells at once is what each cell says."""

import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest.intake.parallel import pause_gc
from armrest.intake.rows.mending import mended
from armrest.intake.rules import severities
from armrest.intake.rules.checks import checks_of
from armrest.intake.rules.column import Column, SoundCells
from armrest.model import FIELD_PATHS
from tests.intake.customers import TODAY

CELLS = st.lists(st.text(st.sampled_from("aø\n"), max_size=12), max_size=8)


@given(CELLS, st.integers(min_value=0, max_value=12))
def test_a_cell_that_is_longer_than_a_limit_is_seen_in_the_joined_text(cells: list[str], length: int) -> None:
    assert Column(cells).has_longer_than(length) is any(len(cell) > length for cell in cells)


CELLS_OF_MANY_KINDS = (
    "", "Oslo", "Bj?rn", "0155 Oslo", "NULL", "true", "2026-01-31", "31.12.2026", "4.7E+10", "10 001", "=1+1", "'x",
    "a\tb", "a\nb", " a", "a\u00a0", "a\u0300", "a\u200b", "\ufffd", "#REF!", "10.0", "x" * 300, "ola@example.no",
    "ola@example.no;ola@example.no", "ola@", "31129956715", "974760673", "974760674", "99999999", "+4740000000", "0000",
    "155", "NO", "no", "ZZ", "90", "M", "<b>x</b>", "&oslash;", "kåre", "日本",
)  # fmt: skip


@pytest.mark.parametrize("field", sorted(FIELD_PATHS))
@given(st.lists(st.sampled_from(CELLS_OF_MANY_KINDS), min_size=1, max_size=5))
def test_what_is_found_in_a_column_of_repetitions_is_found_in_each_cell(field: str, different: list[str]) -> None:
    cells = [*different * 70, *CELLS_OF_MANY_KINDS[:3]]
    checks = checks_of(field, today=TODAY, severities=severities({}))
    alone = {cell: {code for check in checks for _, code in check.breaches(Column([cell]))} for cell in set(cells)}

    column = Column(cells)

    assert column.without_repeats is not column
    found = {(row, code) for check in checks for row, code in check.breaches(column)}
    assert found == {(row, code) for row, cell in enumerate(cells) for code in alone[cell]}
    assert column.trimmed().cells == [cell.strip(" \t") for cell in cells]
    assert _mended(field, cells) == [_mended(field, [cell])[0] for cell in cells]


@pytest.mark.parametrize("cells", [["Oslo"] * 100, [f"{number}" for number in range(100)]], ids=["few", "many"])
def test_a_column_is_freed_at_once_though_nobody_collects_cycles_while_blocks_are_read(cells: list[str]) -> None:
    column = Column(cells)
    column.trimmed()
    SoundCells().add(column)
    freed = weakref.ref(column)

    with pause_gc():
        del column

        assert freed() is None


def _mended(field: str, cells: list[str]) -> list[str]:
    kinds = [column.cells for _, column in mended(field, Column(cells))]
    return list(kinds[-1] if kinds else cells)

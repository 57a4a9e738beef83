"""The shape of a column: figures of its cells."""

import pytest

from armrest.planning.file_profile.column_shape import ColumnShape, shape_of


def test_the_figures_of_a_column() -> None:
    shape = shape_of(["Kari Nordmann", "", "Åse Øye-Li", "OLA NORDMANN", "Kari Nordmann"])

    assert shape == ColumnShape(
        filled=0.8,
        distinct=0.75,
        commonest=0.5,
        kinds={"Aa Aa": 0.5, "Aa Aa-Aa": 0.25, "A A": 0.25},
        lengths={13: 0.5, 10: 0.25, 12: 0.25},
        firsts={"A": 1.0},
        signs={"æ": 0.25},
    )


KINDS = {
    "0010": ("9", "0", {}),
    "+47 900 00 000": ("+9 9 9 9", "+", {"+"}),
    "ola.nordmann42@example.no": ("a.a9@a.a", "a", {"@"}),
    "Åsgårdstrand": ("Aa", "A", {"æ"}),
    "Ã…se": ("A¤a", "A", {"Ã", "¤"}),
    "Łódź": ("Aa", "A", {"é"}),
    "Łódź æ": ("Aa a", "A", {"é", "æ"}),
    "c/o\nLi": ("a/a\rAa", "a", {"/", "\r"}),
    "日本": ("a", "a", {"é"}),
}


@pytest.mark.parametrize(("value", "expected"), KINDS.items(), ids=list(KINDS))
def test_a_value_has_a_kind_a_first_character_and_signs(value: str, expected: tuple[str, str, set[str]]) -> None:
    kind, first, signs = expected
    shape = shape_of([value])

    assert (list(shape.kinds), list(shape.firsts), set(shape.signs)) == ([kind], [first], set(signs))


def test_an_empty_column_has_no_shape_and_a_long_cell_counts_as_one_length() -> None:
    assert shape_of(["", ""]) == shape_of([])
    assert shape_of(["x" * 100, "x" * 70]).lengths == {60: 1.0}

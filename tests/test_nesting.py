"""How deep a text nests is told before it is parsed, by a number of our own."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armrest import nesting
from armrest.api.responses.parsing import NotJson, parse
from armrest.nesting import MAX_NESTING, is_too_deep

JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\,:aå', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[{"\\b', max_size=3), inner, max_size=3)
    ),
    max_leaves=40,
)


def depth_of(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(depth_of, members), default=0)


@given(value=JSON, bound=st.integers(0, 6))
def test_it_is_told_as_a_walk_through_the_parsed_value_would(value: Any, bound: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nesting, "MAX_NESTING", bound)

        assert is_too_deep(json.dumps(value).encode()) is (depth_of(value) > bound)
        assert is_too_deep(json.dumps(value, ensure_ascii=False)) is (depth_of(value) > bound)


@pytest.mark.parametrize(
    ("start", "end", "levels"), [(b"[", b"]", 1), (b'{"a":', b"}", 1), (b'[{"[":', b"}]", 2), (b"[1,{},[", b"]]", 2)]
)
def test_an_answer_is_read_up_to_the_bound_and_not_beyond(start: bytes, end: bytes, levels: int) -> None:
    times = MAX_NESTING // levels

    assert not isinstance(parse(start * times + b"1" + end * times), NotJson)
    assert isinstance(parse(start * (times + 1) + b"1" + end * (times + 1)), NotJson)


TRAPS = {
    "lists": b"[" * 4_000_000,
    "objects": b'{"a":' * 800_000,
    "cut in an escape": b'["\\' * 1_000_000,
    "side by side": b"[]" * 2_000_000,
    "quotes": b'"' * 4_000_000 + b"[" * 99,
}


@pytest.mark.parametrize("text", TRAPS.values(), ids=TRAPS.keys())
def test_no_text_of_the_size_of_an_answer_is_a_trap(text: bytes) -> None:
    assert isinstance(parse(text), NotJson)

"""Texts that people type: what is understood, how it is stored, and what refuses the rest."""

import pytest
from pydantic import TypeAdapter, ValidationError

from armrest.model import Limit, Share

SHARE: TypeAdapter[str] = TypeAdapter(Share)
LIMIT: TypeAdapter[str] = TypeAdapter(Limit)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        *[("20%", "20%"), ("20 %", "20%"), (" 2,5 % ", "2.5%"), ("0.5%", "0.5%")],
        *[("20 prosent", "20%"), ("20 procent", "20%"), ("20 Percent", "20%"), ("20pct", "20%")],
    ],
)
def test_a_share_is_stored_in_one_spelling(typed: str, stored: str) -> None:
    assert SHARE.validate_python(typed) == stored
    assert LIMIT.validate_python(typed) == stored


@pytest.mark.parametrize(("typed", "stored"), [("12", "12"), (" 12 ", "12")])
def test_a_limit_may_be_a_number_of_rows(typed: str, stored: str) -> None:
    assert LIMIT.validate_python(typed) == stored


@pytest.mark.parametrize("typed", ["", "twenty", "-5%", "20 %%", "1.000", "5‰"])
def test_anything_else_is_refused_with_an_example_and_without_the_text(typed: str) -> None:
    with pytest.raises(ValidationError, match="write a number of rows or a share of them, such as 12 or 5%"):
        LIMIT.validate_python(typed)
    with pytest.raises(ValidationError, match="write a share, such as 20% or 20 percent") as caught:
        SHARE.validate_python(typed)
    assert caught.value.errors()[0]["msg"] == "Value error, write a share, such as 20% or 20 percent"

import pytest

from armrest.intake import InputRefused, RejectLimit


@pytest.mark.parametrize(
    ("limit", "rejected", "read"), [("5%", 5, 100), ("5%", 0, 1), ("0", 0, 10), ("12", 12, 13), ("2.5%", 1, 40)]
)
def test_up_to_the_limit_a_run_goes_on(limit: str, rejected: int, read: int) -> None:
    RejectLimit.parse(limit).check("a.csv", rejected=rejected, read=read)


@pytest.mark.parametrize(
    ("limit", "rejected", "read", "code"),
    [
        ("5%", 6, 100, "too-many-rejected"),
        ("0", 1, 10, "too-many-rejected"),
        ("12", 13, 100, "too-many-rejected"),
        ("100%", 3, 3, "nothing-valid"),
    ],
)
def test_beyond_it_or_with_nothing_valid_the_input_is_refused(limit: str, rejected: int, read: int, code: str) -> None:
    with pytest.raises(InputRefused) as refused:
        RejectLimit.parse(limit).check("a.csv", rejected=rejected, read=read)

    assert refused.value.code == code


@pytest.mark.parametrize("text", ["", "%", "five", "-1", "5 %", "1e3"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a limit"):
        RejectLimit.parse(text)

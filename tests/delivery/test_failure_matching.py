"""Which customers of a batch an answer means: by number, in any case of letters, and never by a position alone."""

import pytest

from armrest.api import CustomerFailure
from armrest.delivery.failure_matching import match_failures
from armrest.outbox import Line

SENT = [(Line(7, "a1", 1), {"customerNo": "a1"}), (Line(8, "B2", 1), {"customerNo": "B2"})]


@pytest.mark.parametrize(("number", "ordinal"), [("a1", 7), ("A1", 7), ("b2", 8), ("B2", 8)])
def test_a_number_is_the_same_in_any_case(number: str, ordinal: int) -> None:
    matched = match_failures([CustomerFailure(customer_no=number, index=None, reason="no")], SENT)

    assert (list(matched.verdicts), matched.unmatched, matched.unsure) == ([ordinal], 0, [])


def test_a_position_alone_means_nobody_and_a_foreign_number_is_counted() -> None:
    by_position = CustomerFailure(customer_no=None, index=0, reason="no")
    foreign = CustomerFailure(customer_no="C3", index=None, reason="no")

    matched = match_failures([by_position, foreign], SENT)

    assert (matched.verdicts, matched.unmatched, len(matched.unsure)) == ({}, 1, 1)

"""A failure belongs to the customer that it names, in whatever spelling."""

import pytest

from armrest.api import CustomerFailure
from armrest.delivery.failure_matching import match_failures
from armrest.outbox import Line

SENT = [(Line(7, "a1", 1), {"customerNo": "a1"}), (Line(8, "B2", 1), {"customerNo": "B2"})]


@pytest.mark.parametrize(("sent", "named"), [("a1", "A1"), ("Å3", "å3"), ("KA\u030a1", "k\u00e51")])
def test_a_customer_is_found_by_its_number_in_any_spelling(sent: str, named: str) -> None:
    failure = CustomerFailure(customer_no=named, index=None, reason="no phone")

    matched = match_failures([failure], [(Line(7, sent, 1), {"customerNo": sent, "name": "Kari"})])

    assert (list(matched.verdicts), matched.unmatched) == ([7], 0)


def test_a_position_alone_means_nobody_and_a_foreign_number_is_counted() -> None:
    by_position = CustomerFailure(customer_no=None, index=0, reason="no")
    foreign = CustomerFailure(customer_no="C3", index=None, reason="no")

    matched = match_failures([by_position, foreign], SENT)

    assert (matched.verdicts, matched.unmatched, len(matched.unsure)) == ({}, 1, 1)

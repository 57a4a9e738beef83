"""A failure belongs to the customer that it names, in whatever spelling."""

import pytest

from armrest.api import CustomerFailure
from armrest.delivery.failure_matching import match_failures
from armrest.outbox import Line


@pytest.mark.parametrize(("sent", "named"), [("a1", "A1"), ("Å3", "å3"), ("KA\u030a1", "k\u00e51")])
def test_a_customer_is_found_by_its_number_in_any_spelling(sent: str, named: str) -> None:
    failure = CustomerFailure(customer_no=named, index=None, reason="no phone")

    matched = match_failures([failure], [(Line(7, sent, 1), {"customerNo": sent, "name": "Kari"})])

    assert (list(matched.verdicts), matched.unmatched) == ([7], 0)

"""The rail against a wrong client number: which customers of a source are looked up, and what counts as clear."""

from itertools import pairwise

import pytest

from armrest.outbox import ClientMatch
from armrest.planning.client_rail import KNOWN_ELSEWHERE, UNKNOWN_HERE, Spread, looks_like_another_clients


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_customers_are_looked_up_from_the_whole_source(block: int) -> None:
    numbers = [str(number) for number in range(10_000)]
    spread = Spread(100)
    for start in range(0, len(numbers), block):
        spread.add(numbers[start : start + block])

    taken = list(map(int, spread.items))
    assert 100 <= len(taken) < 200
    assert {after - before for before, after in pairwise(taken)} == {taken[1]}
    assert taken[-1] > 9_900
    assert not spread.is_whole


def test_a_small_source_is_looked_up_whole() -> None:
    spread = Spread(100)
    spread.add(["1", "2"])
    spread.add(["3"])

    assert (spread.items, spread.is_whole) == (["1", "2", "3"], True)


@pytest.mark.parametrize(
    ("customers", "known", "elsewhere", "client_has_many", "code"),
    [
        (9, 0, 9, False, None),
        (10, 0, 10, False, KNOWN_ELSEWHERE),
        (20, 0, 10, False, None),
        (20, 0, 11, False, KNOWN_ELSEWHERE),
        (20, 5, 11, False, KNOWN_ELSEWHERE),
        (20, 6, 11, False, None),
        (100, 4, 0, True, UNKNOWN_HERE),
        (100, 5, 0, True, None),
        (100, 0, 0, False, None),
    ],
)
def test_what_is_clear(customers: int, known: int, elsewhere: int, *, client_has_many: bool, code: str | None) -> None:
    match = ClientMatch(
        customers=customers,
        known=known,
        client_has_many=client_has_many,
        other_client_no=1 if elsewhere else None,
        elsewhere=elsewhere,
    )

    assert looks_like_another_clients(match) == code

"""A simulation that finds nothing proves nothing, unless it finds what was planted."""

import pytest

from tests.simulation.planted import PLANTED, caught

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught_within_500_seeds(name: str) -> None:
    assert caught(name)

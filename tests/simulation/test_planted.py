"""A simulation that finds nothing proves nothing, unless it finds what was planted."""

import pytest

from tests.postgres import programs
from tests.simulation.planted import PLANTED, PLANTED_ON_POSTGRES, caught

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught_within_500_seeds(name: str) -> None:
    assert caught(name)


@pytest.mark.parametrize("name", PLANTED_ON_POSTGRES)
@pytest.mark.skipif(not programs(), reason="NOT RUN: needs Debian's package postgresql")
def test_a_planted_bug_is_caught_with_the_ledger_on_postgresql(name: str) -> None:
    assert caught(name, postgres=True)

"""Seeds of the simulation with the ledger on PostgreSQL; `make soak` tries 2,000."""

import re
from functools import partial

import pytest

from tests.postgres import Cluster
from tests.simulation.disk import Disk, disk
from tests.simulation.postgres_disk import postgres_disk
from tests.simulation.seeds import tried
from tests.simulation.simulation import simulate

pytestmark = pytest.mark.long

SEEDS = 20
AT_ONCE = 5
LOSING = 73
"""A seed in which the server ends connections."""
RESTORED = 42
"""A seed in which a copy takes the ledger's place."""


@pytest.mark.parametrize("start", range(0, SEEDS, AT_ONCE), ids=lambda start: f"from {start}")
def test_nothing_is_lost_nor_out_of_order_with_the_ledger_on_postgresql(postgres: Cluster, start: int) -> None:
    assert tried(range(start, start + AT_ONCE), partial(postgres_disk, postgres)).found == {}


@pytest.mark.parametrize("seed", [LOSING, RESTORED])
def test_the_trace_is_the_same_on_both_databases(postgres: Cluster, seed: int) -> None:
    with postgres_disk(postgres) as server, disk() as file:
        assert trace_of(seed, server) == trace_of(seed, file)


def trace_of(seed: int, here: Disk) -> list[str]:
    """The trace of a seed, without the databases' own error messages."""
    return [
        re.sub(r"the ledger .* cannot be used: .*;", "the ledger cannot be used;", line)
        for line in simulate(seed, here).lines
    ]

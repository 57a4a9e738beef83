"""500 seeds of the simulation, in handfuls that the test processes share, and a few that once found something.

`make soak` tries 20,000.
"""

import asyncio

import pytest

from tests.simulation.disk import disk
from tests.simulation.loop import NumberedTask, SimulationLoop
from tests.simulation.seeds import tried
from tests.simulation.simulation import simulate

SEEDS = 500
SHORT = 20
"""Seeds that `make test` tries; the others are long."""
AT_ONCE = 20
STARTS = [pytest.param(start, marks=pytest.mark.long if start >= SHORT else ()) for start in range(0, SEEDS, AT_ONCE)]

ONCE_FOUND = (4104, 5306, 6034, 6918, 7554, 8590, 9097, 9684, 10272, 12138, 14132, 15926)
"""Faults of the product (docs/decisions/0088), and of the simulation's own judgement."""


def test_what_seeds_have_found_is_mended() -> None:
    assert tried(ONCE_FOUND).found == {}


@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"from {start}")
def test_nothing_is_lost_nor_out_of_order_whatever_a_seed_brings(start: int) -> None:
    assert tried(range(start, start + AT_ONCE)).found == {}


def test_a_seed_replays_step_by_step() -> None:
    with disk() as here:
        assert simulate(7, here).counts == simulate(7, here).counts


def test_a_set_of_tasks_has_the_same_order_each_time() -> None:
    """A TaskGroup cancels its tasks in the order of a set; by seed 204, that decides which request still arrives."""

    async def order() -> None:
        tasks = [NumberedTask(asyncio.sleep(0), loop=asyncio.get_running_loop()) for _ in range(8)]
        await asyncio.gather(*tasks)
        assert list(set(tasks)) == tasks

    with asyncio.Runner(loop_factory=SimulationLoop) as runner:
        runner.run(order())

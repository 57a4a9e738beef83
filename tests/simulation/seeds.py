"""Many seeds, one after the other, up to the first that finds something.

python -m tests.simulation.seeds --seeds 500 --start 0 [--postgres]
"""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.simulation.disk import DiskFactory, disk
from tests.simulation.judge import Violation
from tests.simulation.loop import GoingRound
from tests.simulation.postgres_disk import disk_factory
from tests.simulation.simulation import simulate


@dataclass(slots=True)
class Tried:
    """What came of some seeds: how often each kind of thing happened, and what the seeds that failed have found."""

    seeds: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    found: dict[int, str] = field(default_factory=dict)


def tried(seeds: Iterable[int], new_disk: DiskFactory = disk, *, until_found: bool = False) -> Tried:
    """Simulate seeds on a disk; with `until_found`, up to the first that finds something."""
    result = Tried()
    with new_disk() as here, _quietly():
        for seed in seeds:
            result.seeds += 1
            try:
                result.counts += simulate(seed, here).counts
            except Violation as violation:
                result.found[seed] = str(violation)
            except (Exception, GoingRound) as error:  # noqa: BLE001 - else nobody would know which seed it was
                result.found[seed] = f"the simulation broke: {error!r}"
            if result.found and until_found:
                break
    return result


@contextmanager
def _quietly() -> Iterator[None]:
    logger = logging.getLogger("armrest")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def main() -> int:
    """Look for a seed that finds something; print it, and what."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=500)
    arguments.add_argument("--start", type=int, default=0)
    arguments.add_argument("--postgres", action="store_true", help="with the ledger on a throwaway PostgreSQL")
    given = arguments.parse_args()
    with disk_factory(postgres=given.postgres) as new_disk:
        result = tried(range(given.start, given.start + given.seeds), new_disk, until_found=True)
    for seed, what in result.found.items():
        print(seed, what)  # noqa: T201
    return 1 if result.found else 0


if __name__ == "__main__":
    sys.exit(main())

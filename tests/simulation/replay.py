"""One seed, told step by step: `python -m tests.simulation.replay SEED [--postgres]`."""

import sys

from tests.simulation.judge import Violation
from tests.simulation.postgres_disk import disk_factory
from tests.simulation.simulation import simulate


def main(seed: int, *, postgres: bool) -> int:
    """Replay a seed aloud; return 1 where it finds something."""
    with disk_factory(postgres=postgres) as new_disk, new_disk() as here:
        try:
            simulate(seed, here, aloud=True)
        except Violation as violation:
            print(f"seed {seed}: {violation}")  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), postgres="--postgres" in sys.argv))

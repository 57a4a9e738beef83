"""The parent of a run's shards, in a process of its own that can be killed: `python -m tests.tasks.parent RUN_ID`."""

import asyncio
import sys

from armrest.outbox import find_run
from tasks.connection import connection, holding
from tasks.hand_out import hand_out


async def main(run_id: str) -> None:
    with connection() as here:
        run = find_run(here.outbox.ledger, run_id)
        async with holding(run, wait_seconds=60):
            await hand_out(here, run, deadline_seconds=2)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""The parent of a run's shards, to be killed: `python -m tests.tasks.parent RUN_ID SECONDS`."""

import asyncio
import sys

from armrest.outbox import find_run
from tasks.connection import holding
from tasks.hand_out import hand_out
from tasks.open_workspace import connection


async def main(run_id: str, deadline_seconds: float) -> None:
    with connection() as here:
        run = find_run(here.outbox.ledger, run_id)
        async with holding(here, run, wait_seconds=60):
            await hand_out(here, run, deadline_seconds=deadline_seconds)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))

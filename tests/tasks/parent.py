"""The parent of a run's shards, to be killed: `python -m tests.tasks.parent RUN_ID SECONDS`."""

import asyncio
import sys

from armrest.app.workspace import hold_client
from armrest.outbox import find_run
from flows.steps.dispatch_shards import dispatch_shards
from tasks.open_workspace import use_workspace


async def main(run_id: str, deadline_seconds: float) -> None:
    with use_workspace() as here:
        run = find_run(here.outbox.ledger, run_id)
        async with hold_client(here, run, wait_seconds=60):
            await dispatch_shards(here, run, deadline_seconds=deadline_seconds)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))

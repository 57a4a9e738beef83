"""Outbox to settled, by the engine alone; the cost of the whole run includes Prefect.

Requires: `ARMREST_API_URL`, `ARMREST_TOKEN`, `ARMREST_HOME`.
"""

import asyncio
import sys

from armrest.app.workspace import hold_client, open_delivery
from armrest.delivery import finish, send_and_poll_slices
from armrest.outbox import find_run
from tasks.open_workspace import use_workspace


async def main(run_id: str) -> None:
    """Send a plan slice by slice, as the flow does, and wait until ARM has finished every batch."""
    with use_workspace() as here:
        run = find_run(here.outbox.ledger, run_id)
        async with hold_client(here, run) as lease:
            async with open_delivery(here, run) as delivery:
                await send_and_poll_slices(
                    range(1, run.slices + 1),
                    submit=delivery.submit,
                    poll=delivery.poll,
                    concurrency=here.settings.concurrency,
                )
            ended = finish(here.outbox, run, lease)
        if ended.state != "Completed":
            raise SystemExit(ended.message)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

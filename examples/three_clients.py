"""A flow of your own: three clients in parallel, sent from this process by the library itself.

Each client is a task, so one that fails can be retried alone. No deployment and no worker of armrest-flows is needed;
the ledger in ARMREST_HOME is the one that the command uses.

    ARMREST_API_URL=…  ARMREST_TOKEN=…  PREFECT_API_URL=…  python three_clients.py exports/
"""

import asyncio
import sys
from pathlib import Path

from prefect import flow, task

import armrest

CLIENTS = (2218, 2219, 2220)


@task(task_run_name="client {client_no}")
async def update_client(folder: str, client_no: int) -> dict[str, int]:
    """Send the customers of one client that have changed; return counts, never customers."""
    run = await armrest.aupdate_customers(
        Path(folder) / f"{client_no}.csv", client_no=client_no, changes_only=True, max_changed="50%", wait="10m"
    )
    run.raise_for_state()
    return {"updated": run.customers.settled, "unchanged": run.customers.unchanged}


@flow
async def three_clients(folder: str) -> dict[int, dict[str, int]]:
    """Send the files of three clients at the same time."""
    counts = await asyncio.gather(*(update_client(folder, client_no) for client_no in CLIENTS))
    return dict(zip(CLIENTS, counts, strict=True))


if __name__ == "__main__":
    print(asyncio.run(three_clients(sys.argv[1])))

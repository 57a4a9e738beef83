"""Outbox to settled, without HTTP: as if ARM had accepted every batch and updated every customer.

Requires: `ARMREST_API_URL`, `ARMREST_TOKEN`, `ARMREST_HOME`.
"""

import sys
import time
from typing import Final

from armrest.outbox import (
    SENDABLE,
    RunState,
    accept,
    batches_in,
    begin,
    close_batch,
    find_run,
    release_lease,
    take_lease,
    update_run,
)
from tasks.open_workspace import use_workspace

LEASE_SECONDS: Final = 3600


def main(run_id: str) -> None:
    """Settle a plan."""
    with use_workspace() as here:
        ledger = here.outbox.ledger
        run = find_run(ledger, run_id)
        lease = take_lease(ledger, api_url=run.api_url, client_no=run.client_no, run_id=run_id, seconds=LEASE_SECONDS)
        for batch in batches_in(ledger, run, SENDABLE):
            leaving = begin(here.outbox, run, batch, lease, ghost_horizon_seconds=LEASE_SECONDS)
            assert leaving is not None
            uuid = f"{run_id}-{batch.seq}"
            accept(ledger, leaving.batch, batch_uuid=uuid, get_result=None, status="", result="")
            close_batch(ledger, leaving.batch, {}, status="PROCESSED", result="SUCCESS", message="")
        now = time.time()
        update_run(ledger, run, lease, state=RunState.COMPLETED, started_at=now, ended_at=now)
        release_lease(ledger, lease)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""File to outbox: every default rule, every line of the ledger. Prints the run's id.

Requires: `ARMREST_API_URL`, `ARMREST_TOKEN`, `ARMREST_HOME`.
"""

import json
import sys
from typing import Final

from armrest.app.open_run import open_update
from armrest.app.plan_run import plan_run
from armrest.app.source_options import SourceOptions
from armrest.outbox import find_run, release_lease, take_lease
from tasks.open_workspace import use_workspace

LEASE_SECONDS: Final = 3600


def main(source: str, client_no: str, options: str = "{}") -> None:
    """Plan a source as `update-customers` does.

    Args:
        options: About the source, as JSON, such as `{"check_profile": true}`.
    """
    with use_workspace() as here:
        run = open_update(
            here,
            reading=SourceOptions(source=source, **json.loads(options)),
            client_no=int(client_no),
            user_id=None,
            mode="update",
            batch_size=None,
            dry_run=False,
        )
        ledger = here.outbox.ledger
        here.lease = take_lease(
            ledger, api_url=run.api_url, client_no=run.client_no, run_id=run.run_id, seconds=LEASE_SECONDS
        )
        try:
            planned = plan_run(here, run)
        finally:
            release_lease(ledger, here.lease)
        if find_run(here.outbox.ledger, run.run_id).planned_at is None:
            raise SystemExit(planned.message)
        sys.stdout.write(run.run_id)


if __name__ == "__main__":
    main(*sys.argv[1:])

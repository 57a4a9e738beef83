"""Plan one file into a fresh outbox; print how many customers were planned. Measured from outside by `bench.py`."""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from armrest.delivery import plan
from armrest.outbox import Outbox, create_run, find_run


def main(source: str) -> None:
    """Plan a source with the default sizes."""
    with TemporaryDirectory() as folder, Outbox.open(f"sqlite:///{folder}/ledger.db", f"{folder}/bodies") as outbox:
        run = create_run(
            outbox.ledger,
            run_id="bench",
            api_url="http://127.0.0.1/arm/v1",
            client_no=2218,
            kind="update",
            mode="update",
            user_id="bench",
            source=source,
            request={"source": source, "batch_size": 1000, "max_body_bytes": 5_000_000, "max_rejected": "5%"},
        )
        begun = time.process_time()
        planned = plan(outbox, run, rejects_folder=Path(folder))
        assert find_run(outbox.ledger, "bench").planned_at, planned.message
        sys.stdout.write(f"{planned.customers.read} {time.process_time() - begun}\n")


if __name__ == "__main__":
    main(sys.argv[1])

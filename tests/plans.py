"""Plans made as a run makes them: under the lease of its client."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from armrest.outbox import (
    Comparison,
    Lease,
    Outbox,
    PlanWriter,
    Run,
    UpdateRequest,
    begin_plan,
    release_lease,
    take_lease,
)


def update_of(source: str = "customers.csv", **options: Any) -> UpdateRequest:
    """Return a request to send a source, with sizes that hold most plans in one batch."""
    return UpdateRequest(**{"source": source, "batch_size": 1000, "max_body_bytes": 5_000_000, **options})


@contextmanager
def leased(outbox: Outbox, run: Run, *, seconds: float = 60.0) -> Iterator[Lease]:
    """Hold a run's client during the block."""
    lease = take_lease(outbox.ledger, api_url=run.api_url, client_no=run.client_no, run_id=run.run_id, seconds=seconds)
    try:
        yield lease
    finally:
        release_lease(outbox.ledger, lease)


@contextmanager
def planning(
    outbox: Outbox, run: Run, *, batch_size: int, max_body_bytes: int, compared: bool = False
) -> Iterator[PlanWriter]:
    """Write a run's plan during the block, under the client's lease; a dry run needs none."""
    with ExitStack() as stack:
        lease = None if run.request.dry_run else stack.enter_context(leased(outbox, run))
        attempt = begin_plan(outbox.ledger, run, lease)
        comparison = stack.enter_context(Comparison(outbox.ledger, run)) if compared else None
        sizes = {"batch_size": batch_size, "max_body_bytes": max_body_bytes}
        yield stack.enter_context(PlanWriter(outbox, attempt, comparison=comparison, **sizes))

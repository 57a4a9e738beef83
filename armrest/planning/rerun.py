"""Plan a rerun: put the customers that failed in a run into new batches, from the bodies that were sent."""

from collections.abc import Collection, Iterator, Sequence

from armrest.outbox import (
    Batch,
    Failure,
    Lease,
    Only,
    Outbox,
    RerunRequest,
    Run,
    RunSummary,
    State,
    begin_plan,
    discard_plan,
    failures_in,
    find_run,
    summary,
    update_run,
)
from armrest.planning.planner import failing, plan_writer


def plan_rerun(
    outbox: Outbox, run: Run, lease: Lease, *, batch_uuids: Collection[str] = (), only: Only = "all"
) -> RunSummary:
    """Plan a run that sends the failed customers of its parent again; safe to repeat.

    Customers that each failed for their own reason share batches again. A batch that ARM accepted and then refused as a
    whole is split in two: the customers that ARM named and the others, or two halves if it named none.

    Raises:
        UnknownBatch: The parent has no batch with one of the batchUuids.
        BodyUnusable: A body that is needed was purged.
        LeaseLost: Another process has taken over the client; nothing more is written about the run.
    """
    run = find_run(outbox.ledger, run.run_id)
    if run.planned_at is not None:
        return summary(outbox.ledger, run.run_id)
    assert run.parent_run_id is not None
    attempt = begin_plan(outbox.ledger, run, lease)
    parent = find_run(outbox.ledger, run.parent_run_id)
    read = 0
    with failing(outbox, attempt), plan_writer(outbox, attempt) as writer:
        discard_plan(outbox, attempt)
        for group, alone in _groups(failures_in(outbox, parent, only=only, batch_uuids=batch_uuids)):
            read += len(group)
            if alone:
                writer.end_batch()
            writer.add([failure.customer for failure in group])
            if alone:
                writer.end_batch()
        update_run(outbox.ledger, run, attempt, read=read)
        writer.complete()
    return summary(outbox.ledger, run.run_id)


def _groups(failed: Iterator[tuple[Batch, list[Failure]]]) -> Iterator[tuple[Sequence[Failure], bool]]:
    """Yield the customers to send together, and whether they need a batch of their own."""
    for batch, failures in failed:
        whole = [failure for failure in failures if failure.refused_whole]
        named = [failure for failure in failures if not failure.refused_whole]
        if batch.state is State.LOST or not whole:
            yield failures, False
        elif named:
            yield whole, True
            yield named, False
        else:
            middle = (len(whole) + 1) // 2
            yield whole[:middle], True
            if whole[middle:]:
                yield whole[middle:], True


def rerun_request(
    parent: Run, *, batch_uuids: Sequence[str] = (), only: Only = "all", connection: str = ""
) -> RerunRequest:
    """Return the request of a rerun, with the batch sizes of its parent."""
    return RerunRequest(
        batch_size=parent.request.batch_size,
        max_body_bytes=parent.request.max_body_bytes,
        connection=connection,
        batch_uuids=tuple(batch_uuids),
        only=only,
    )

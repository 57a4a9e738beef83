"""Plan a rerun: put the customers that failed in a run into new batches, from the bodies that were sent."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Final

from armrest.outbox import (
    NOT_SENT,
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
from armrest.planning.failed_plan import failing
from armrest.planning.source_plan import plan_writer

SMALL_BATCH: Final = 10
"""Customers that the parent did not send by themselves: a batch of this size is taken apart within the run's budget."""


def plan_rerun(
    outbox: Outbox, run: Run, lease: Lease, *, batch_uuids: Collection[str] = (), only: Only = "all"
) -> RunSummary:
    """Plan a run that sends the failed customers of its parent again; safe to repeat.

    Customers that each failed for their own reason share batches again. A batch that ARM accepted and then refused as a
    whole is split in two: the customers that ARM named and the others, or two halves if it named none. Customers that
    the parent did not send by themselves are sent in small batches.

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
    parent_summary = summary(outbox.ledger, parent.run_id)
    read = 0
    with failing(outbox, attempt), plan_writer(outbox, attempt) as writer:
        discard_plan(outbox, attempt)
        failed = partial(failures_in, outbox, parent, only=only, batch_uuids=batch_uuids)
        for group, alone in chain(_small_groups(failed, parent_summary), _groups(_sent(failed()))):
            read += len(group)
            if alone:
                writer.end_batch()
            writer.add([failure.customer for failure in group])
            if alone:
                writer.end_batch()
        update_run(outbox.ledger, run, attempt, read=read)
        writer.complete()
    return summary(outbox.ledger, run.run_id)


def _small_groups(
    failed: Callable[[], Iterator[tuple[Batch, list[Failure]]]], parent: RunSummary
) -> Iterator[tuple[Sequence[Failure], bool]]:
    """Yield the customers that the parent did not send by themselves, to be sent first: some of them may be good."""
    if not any(reason.startswith(NOT_SENT) for reason, _ in parent.failed_why):
        return  # the bodies need not be read twice
    group: list[Failure] = []
    for _, failures in failed():
        for failure in failures:
            group += [failure] if failure.not_sent else []
            if len(group) == SMALL_BATCH:
                yield group, True
                group = []
    if group:
        yield group, True


def _sent(failed: Iterator[tuple[Batch, list[Failure]]]) -> Iterator[tuple[Batch, list[Failure]]]:
    for batch, failures in failed:
        if sent := [failure for failure in failures if not failure.not_sent]:
            yield batch, sent


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

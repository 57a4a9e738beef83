"""Select what a rerun sends again: the failures of a run, of single batches, or of a client."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from armrest.app.workspace import Workspace, required_api_url
from armrest.outbox import (
    Only,
    OutboxError,
    Run,
    WrongClient,
    count_failures,
    find_run,
    runs_of_batches,
    runs_with_failures,
)


@dataclass(frozen=True, slots=True)
class RerunSelection:
    """Failures of one run that one rerun sends again: those of these batchUuids, or all if there are none."""

    parent: Run
    batch_uuids: tuple[str, ...]
    customers: int


def select_for_rerun(
    workspace: Workspace, *, run_id: str | None, batch_uuids: Collection[str], client_no: int | None, only: Only
) -> list[RerunSelection]:
    """Return the selections to send again, the oldest data first; none if nothing is left to do.

    Args:
        run_id: A run, or a flow run that executed one. None: the other arguments select the runs.
        batch_uuids: Only what failed in these batches.
        client_no: With a run: refuse a run of another client. Without a run: all failures of this client.

    Raises:
        UnknownRun, UnknownBatch: The ledger has no such run or batch.
        WrongClient: The run belongs to another client.
        BodyUnusable: A body that is needed was purged.
        OutboxError: None of the three is given.
    """
    choices = (
        RerunSelection(run, uuids, count_failures(workspace.outbox.ledger, run, only=only, batch_uuids=uuids))
        for run, uuids in _candidates(workspace, run_id, tuple(batch_uuids), client_no, only)
    )
    return [choice for choice in choices if choice.customers]


def _candidates(
    workspace: Workspace, run_id: str | None, batch_uuids: tuple[str, ...], client_no: int | None, only: Only
) -> Iterator[tuple[Run, tuple[str, ...]]]:
    ledger = workspace.outbox.ledger
    if run_id is not None:
        yield run_of_client(workspace, run_id, client_no), batch_uuids
    elif batch_uuids:
        uuids_by_run = runs_of_batches(ledger, api_url=required_api_url(workspace.settings), batch_uuids=batch_uuids)
        for parent_id, uuids in uuids_by_run.items():
            yield run_of_client(workspace, parent_id, client_no), tuple(uuids)
    elif client_no is not None:
        api_url = required_api_url(workspace.settings)
        for parent_id in runs_with_failures(ledger, api_url=api_url, client_no=client_no, only=only):
            yield find_run(ledger, parent_id), ()
    else:
        raise OutboxError("say what to send again: a run, batchUuids (--batch-uuid) or a client (--client-no)")


def run_of_client(workspace: Workspace, run_id: str, client_no: int | None) -> Run:
    """Return a run; if a client is named, check that the run belongs to it.

    Raises:
        UnknownRun: The ledger has no such run.
        WrongClient: The run belongs to another client.
    """
    run = find_run(workspace.outbox.ledger, run_id)
    if client_no is not None and run.client_no != client_no:
        raise WrongClient(f"run {run.run_id} belongs to client {run.client_no}, not {client_no}: nothing is sent")
    return run

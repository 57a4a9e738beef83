"""Plan a run from its request, without Prefect. A dry run needs only this."""

import asyncio
import threading
from collections.abc import Mapping, Sequence

from armrest.app.frame_spool import remove_spooled_frame
from armrest.app.source_options import databases_of, places_of, planning_processes
from armrest.app.standard_input import remove_spooled
from armrest.app.watcher import watcher
from armrest.app.workspace import Workspace, arm_client, settings_for
from armrest.intake import Database
from armrest.model import CustomerRecord
from armrest.outbox import OutboxError, RerunRequest, Run, RunSummary, UpdateRequest, summary
from armrest.planning import ReadRecords, plan, plan_rerun, read_records
from armrest.telemetry import step


class PlanningStopped(BaseException):
    """The caller no longer waits for the plan. This is not an error, and nothing is written about the run."""


def plan_run(
    workspace: Workspace,
    run: Run,
    *,
    stop: threading.Event | None = None,
    databases: Mapping[str, Database] | None = None,
) -> RunSummary:
    """Plan a run from its request, under the lease that `workspace` holds; a dry run needs none. Safe to repeat.

    Args:
        stop: If another thread sets it, reading ends.
        databases: The databases that `sql:NAME` may name; None: those of the settings.
    """
    with step("plan", client_no=run.client_no, run_id=run.run_id) as planning:
        planned = _planned(workspace, run, stop, databases)
        customers = planned.customers
        planning.set(
            state=planned.state,
            read=customers.read,
            rejected=customers.rejected,
            unchanged=customers.unchanged,
            customers=customers.planned,
            batches=planned.batches.planned,
        )
        return planned


def _planned(
    workspace: Workspace, run: Run, stop: threading.Event | None, databases: Mapping[str, Database] | None
) -> RunSummary:
    progress = watcher.get()

    def on_progress(rows: int) -> None:
        if stop and stop.is_set():
            raise PlanningStopped
        if progress:
            progress.reading(rows)

    request = run.request
    if isinstance(request, RerunRequest):
        return plan_rerun(
            workspace.outbox, run, workspace.held_lease, batch_uuids=request.batch_uuids, only=request.only
        )
    if isinstance(request, UpdateRequest):
        planned = plan(
            workspace.outbox,
            run,
            workspace.lease,
            rejects_folder=workspace.rejects_folder,
            places=places_of(workspace.settings) if request.confined else None,
            databases=databases_of(workspace.settings) if databases is None else databases,
            read_records=_reader(workspace, run) if request.address_policy == "merge" else None,
            processes=planning_processes(workspace.settings),
            on_progress=on_progress,
        )
        remove_spooled(workspace.settings, request.source)
        remove_spooled_frame(workspace.settings, request.source)
        return planned
    return _planned_single(workspace, run)


def _planned_single(workspace: Workspace, run: Run) -> RunSummary:
    """Return the summary of a single customer's update, which is planned when the run is created.

    Raises:
        OutboxError: The run was interrupted before it was planned; its values are stored nowhere.
    """
    if run.planned_at is None:
        what = f"run {run.run_id} was interrupted before it stored its customer, and sent nothing"
        raise OutboxError(f"{what}: update the customer again")
    return summary(workspace.outbox.ledger, run.run_id)


def _reader(workspace: Workspace, run: Run) -> ReadRecords:
    """Return a function that reads records from ARM; planning is a thread without an event loop.

    Raises:
        SettingsRefused: No address or no login is set.
    """
    settings = settings_for(run, workspace.settings, workspace.load)
    arm_client(settings, client_no=run.client_no)

    async def read(numbers: Sequence[str]) -> list[CustomerRecord | None]:
        async with arm_client(settings, client_no=run.client_no) as arm:
            return await read_records(arm, run.client_no, numbers, concurrency=settings.concurrency)

    return lambda numbers: asyncio.run(read(numbers))

"""A run planned as its request says. Without Prefect: a dry run needs none."""

import threading

from armrest.delivery import plan, plan_rerun
from armrest.outbox import Run, RunSummary
from tasks.connection import Connection
from tasks.reading import databases_of, planning_processes
from tasks.standard_input import forget
from tasks.watch import watcher


class PlanningStopped(Exception):
    """Whoever waited for the plan has gone."""


def planned_for(here: Connection, run: Run, stop: threading.Event | None = None) -> RunSummary:
    """Plan a run as its request says; safe to repeat.

    Args:
        stop: Set from another thread, it ends the reading.
    """
    look = watcher.get()

    def on_progress(rows: int) -> None:
        if stop and stop.is_set():
            raise PlanningStopped
        if look:
            look.reading(rows)

    if run.parent_run_id is None:
        planned = plan(
            here.outbox,
            run,
            rejects_folder=here.rejects_folder,
            databases=databases_of(here.settings),
            processes=planning_processes(here.settings),
            on_progress=on_progress,
        )
        forget(here.settings, run.request["source"])
        return planned
    return plan_rerun(here.outbox, run, batch_uuids=run.request["batch_uuids"], only=run.request["only"])

"""Parameters judged before Prefect is started, so that a mistake is told at once."""

from collections.abc import Sequence
from typing import Any, get_args

from armrest.api import Mode
from armrest.intake import RejectLimit
from armrest.outbox import Run, UnknownBatch, batch_views, find_run
from flows.cli.refusals import Refused
from tasks.connection import connection
from tasks.durations import seconds_in
from tasks.runs import resumable


def checked_update(**given: Any) -> dict[str, Any]:
    """Return the parameters of `update-customers`, all of them usable.

    Raises:
        Refused: One of them is not.
    """
    if given["mode"] not in get_args(Mode):
        raise Refused(f"--mode {given['mode']}: choose {' or '.join(get_args(Mode))}")
    try:
        RejectLimit.parse(given["max_rejected"])
    except ValueError as error:
        raise Refused(f"--max-rejected: {error}") from None
    return given | checked_times(deadline=given["deadline"], wait=given["wait"])


def checked_times(**given: str) -> dict[str, str]:
    """Return lengths of time, all of them well written.

    Raises:
        Refused: One of them is not.
    """
    for name, value in given.items():
        try:
            seconds_in(value)
        except ValueError as error:
            raise Refused(f"--{name}: {error}") from None
    return given


def known_parent(run_id: str, batch_uuids: Sequence[str]) -> Run:
    """Return the run that is to be taken up again.

    Raises:
        UnknownRun: The ledger has no such run.
        UnknownBatch: One of the batchUuids is not one of its.
    """
    with connection() as here:
        run = find_run(here.outbox.ledger, run_id)
        known = {batch.batch_uuid for batch in batch_views(here.outbox.ledger, run)} if batch_uuids else set()
    if unknown := [uuid for uuid in batch_uuids if uuid not in known]:
        raise UnknownBatch(
            f"run {run.run_id} has no batch {unknown[0]}: `armrest show {run.run_id}` lists its batchUuids"
        )
    return run


def known_run(run_id: str) -> Run:
    """Return the run that is to go on.

    Raises:
        UnknownRun: The ledger has no such run.
        OutboxError: It was a dry run.
    """
    with connection() as here:
        return resumable(here, run_id)

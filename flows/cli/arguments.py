"""Parameters judged before Prefect is started, so that a mistake is told at once."""

from collections.abc import Sequence
from typing import Any, cast, get_args

from armrest.app.durations import seconds_in
from armrest.app.open_run import find_applicable_plan, find_resumable_run
from armrest.app.person import login_name
from armrest.app.rerun_selection import RerunSelection, run_of_client, select_for_rerun
from armrest.app.workspace import Workspace
from armrest.model import Mode
from armrest.outbox import Only, Run, assert_free, assert_sendable
from flows.cli.errors import Refused
from tasks.open_workspace import workspace


def checked_update(**given: Any) -> dict[str, Any]:
    """Return what `update-customers` is told besides its source, all of it usable.

    Raises:
        Refused: One of them is not.
    """
    if given["mode"] not in get_args(Mode):
        raise Refused(f"--mode {given['mode']}: choose {' or '.join(get_args(Mode))}")
    return given


def checked_client(client_no: int, client_no_is_right: int) -> int:
    """Return the client number that was repeated, or 0.

    Raises:
        Refused: Another number was repeated.
    """
    if client_no_is_right not in {0, client_no}:
        raise Refused(
            f"--client-no-is-right {client_no_is_right}: it must repeat the client number that is sent to, {client_no}"
        )
    return client_no_is_right


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


def require_failures(
    *, run_id: str | None, batch_uuids: Sequence[str], client_no: int | None, only: str, wait: str
) -> list[RerunSelection]:
    """Return what a rerun is to take up; nothing where nothing is left to do.

    Raises:
        Refused: There is no such choice.
        OutboxError: There is no such run or batch, it is another client's, or the client is busy.
    """
    if only not in get_args(Only):
        raise Refused(f"--only {only}: choose {', '.join(get_args(Only))}")
    with workspace() as here:
        wanted = cast("Only", only)
        choices = select_for_rerun(here, run_id=run_id, batch_uuids=batch_uuids, client_no=client_no, only=wanted)
        for choice in choices:
            _check_free(here, choice.parent, wait)
    return choices


def require_run(run_id: str, *, client_no: int | None, wait: str) -> Run:
    """Return the run that is to go on.

    Raises:
        UnknownRun: The ledger has no such run.
        WrongClient: It is another client's.
        LeaseHeld: It is alive, or another run is sending for its client.
        OutboxError: It was a dry run, or a body that it would send was purged.
    """
    with workspace() as here:
        run = find_resumable_run(here, run_id, client_no=client_no)
        assert_sendable(here.outbox.ledger, run)
        _check_free(here, run, wait)
    return run


def require_plan(plan_id: str, *, client_no: int | None, client_no_is_right: int, wait: str) -> Run:
    """Return the plan that is to be sent.

    Raises:
        UnknownRun: The ledger has no such run.
        WrongClient: It is another client's.
        LeaseHeld: Another run is sending for its client.
        OutboxError: It is no plan, it looks like another client's, it was overtaken, or a body of it was purged.
        Refused: Another client number than the plan's was repeated.
    """
    with workspace() as here:
        if client_no_is_right:
            checked_client(run_of_client(here, plan_id, client_no).client_no, client_no_is_right)
        plan = find_applicable_plan(
            here, plan_id, client_no=client_no, client_no_is_right=client_no_is_right, by=login_name()
        )
        _check_free(here, plan, wait)
    return plan


def _check_free(here: Workspace, run: Run, wait: str) -> None:
    if not seconds_in(wait):
        assert_free(here.outbox.ledger, run)

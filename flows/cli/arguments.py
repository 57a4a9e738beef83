"""Checks parameters before Prefect starts, so that a mistake is reported at once."""

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
from tasks.open_workspace import use_workspace


def checked_update(**parameters: Any) -> dict[str, Any]:
    """Return the validated parameters of `update-customers` other than its source.

    Raises:
        Refused: A parameter is invalid.
    """
    if parameters["mode"] not in get_args(Mode):
        raise Refused(f"--mode {parameters['mode']}: choose {' or '.join(get_args(Mode))}")
    return parameters


def checked_client(client_no: int, client_no_is_right: int) -> int:
    """Return the repeated client number, or 0.

    Raises:
        Refused: It differs from the client number.
    """
    if client_no_is_right not in {0, client_no}:
        raise Refused(
            f"--client-no-is-right {client_no_is_right}: it must repeat the client number that is sent to, {client_no}"
        )
    return client_no_is_right


def checked_times(**durations: str) -> dict[str, str]:
    """Return the validated durations.

    Raises:
        Refused: A duration is invalid.
    """
    for name, value in durations.items():
        try:
            seconds_in(value)
        except ValueError as error:
            raise Refused(f"--{name}: {error}") from None
    return durations


def require_failures(
    *, run_id: str | None, batch_uuids: Sequence[str], client_no: int | None, only: str, wait: str
) -> list[RerunSelection]:
    """Return the failures that a rerun sends again; empty if nothing is left to do.

    Raises:
        Refused: `only` has an invalid value.
        OutboxError: The run or batch does not exist, belongs to another client, or the client is busy.
    """
    if only not in get_args(Only):
        raise Refused(f"--only {only}: choose {', '.join(get_args(Only))}")
    with use_workspace() as workspace:
        kind = cast("Only", only)
        choices = select_for_rerun(workspace, run_id=run_id, batch_uuids=batch_uuids, client_no=client_no, only=kind)
        for choice in choices:
            _check_free(workspace, choice.parent, wait)
    return choices


def require_run(run_id: str, *, client_no: int | None, wait: str) -> Run:
    """Return the run to resume.

    Raises:
        UnknownRun: The ledger has no such run.
        WrongClient: The run belongs to another client.
        LeaseHeld: The run is alive, or another run is sending for its client.
        OutboxError: The run was a dry run, or a body that it would send was purged.
    """
    with use_workspace() as workspace:
        run = find_resumable_run(workspace, run_id, client_no=client_no)
        assert_sendable(workspace.outbox.ledger, run)
        _check_free(workspace, run, wait)
    return run


def require_plan(plan_id: str, *, client_no: int | None, client_no_is_right: int, wait: str) -> Run:
    """Return the plan to send.

    Raises:
        UnknownRun: The ledger has no such run.
        WrongClient: The plan belongs to another client.
        LeaseHeld: Another run is sending for its client.
        OutboxError: The run is not a plan, its customers look like another client's, a later run has sent some of
            them, or one of its bodies was purged.
        Refused: The repeated client number is not the plan's.
    """
    with use_workspace() as workspace:
        if client_no_is_right:
            checked_client(run_of_client(workspace, plan_id, client_no).client_no, client_no_is_right)
        plan = find_applicable_plan(
            workspace, plan_id, client_no=client_no, client_no_is_right=client_no_is_right, by=login_name()
        )
        _check_free(workspace, plan, wait)
    return plan


def _check_free(workspace: Workspace, run: Run, wait: str) -> None:
    if not seconds_in(wait):
        assert_free(workspace.outbox.ledger, run)

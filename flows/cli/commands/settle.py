"""`armrest settle`: asks ARM again about every open batch, and closes those that ARM has finished."""

import getpass
from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.errors import NOT_ALL_SETTLED, Refused
from flows.cli.flags import Json, Verbose, with_settings
from flows.cli.output import print_json

if TYPE_CHECKING:
    from armrest.app.workspace import Workspace
    from armrest.delivery import Sweep
    from armrest.outbox import Run


@with_settings
def settle(
    *,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            metavar="UUID",
            help="Close this batch as settled on your responsibility, if ARM still gives no clear answer; may be "
            "repeated. Check ARM's answer first (`armrest show`). Customers that ARM names as failed stay failed.",
        ),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            metavar="TEXT",
            help="Why you accept it; required with --accept. It is stored and shown with your login: name no person.",
        ),
    ] = "",
    declare_lost: Annotated[
        list[str] | None,
        typer.Option(
            "--declare-lost", metavar="UUID", help="Declare this batch lost if it is still open; may be repeated."
        ),
    ] = None,
    lost_after: Annotated[
        str | None,
        typer.Option(
            "--lost-after",
            metavar="TIME",
            help="Declare batches lost that ARM has not finished within this.",
        ),
    ] = None,
    deadline: Annotated[str, typer.Option("--deadline", metavar="TIME", help="Stop sending after this long.")] = "1m",
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Ask ARM again about every open batch, close those that it has finished, and send customers that waited."""
    from armrest.app.unread import left_unread
    from armrest.delivery import Sweep
    from flows.cli.arguments import checked_times
    from flows.cli.preflight import check_ready
    from tasks.open_workspace import use_workspace

    _check_accepted(accept or [], reason, declare_lost or [])
    checked_times(deadline=deadline, **({"lost-after": lost_after} if lost_after else {}))
    with use_workspace() as workspace:
        open_runs = _open_runs(workspace, [*(accept or []), *(declare_lost or [])])
        left = [*left_unread(workspace.outbox, workspace.settings)]
    if not open_runs:
        return _print(Sweep(left_unread=left), as_json=as_json)

    check_ready(workspace.settings, client_no=open_runs[0].client_no, verbose=verbose)
    from flows.cli.run_flow import result_of
    from flows.settle_open_batches import settle_open_batches as flow

    acceptance = {"accept": accept, "reason": reason, "accepted_by": getpass.getuser()} if accept else {}
    parameters = {**acceptance, "declare_lost": declare_lost, "lost_after": lost_after, "deadline": deadline}
    _, result = result_of(flow, parameters)
    return _print(result, as_json=as_json)


def _open_runs(workspace: "Workspace", named: Collection[str]) -> "list[Run]":
    """Return the runs that a sweep has to do with.

    Raises:
        SettingsRefused: ARM's answer about a batch that is named is on the disk, and stays there with these settings.
        UnknownBatch: A batch that is named is not open.
    """
    from armrest.app.unread import assert_readable, obstacle
    from armrest.app.workspace import required_api_url
    from armrest.delivery import assert_open
    from armrest.outbox import find_run, unfinished_runs, unread_answers

    api_url, clients = required_api_url(workspace.settings), workspace.settings.clients
    unread = unread_answers(workspace.outbox)
    assert_readable(workspace.outbox, workspace.settings, named)
    assert_open(workspace.outbox, api_url, set(named) - {answer.batch_uuid for answer in unread})
    ledger = workspace.outbox.ledger
    unfinished = [find_run(ledger, run_id) for run_id in unfinished_runs(ledger, api_url)]
    readable = [answer.run for answer in unread if answer.run and not obstacle(answer, workspace.settings)]
    return [*(run for run in unfinished if not clients or run.client_no in clients), *readable]


def _check_accepted(accept: list[str], reason: str, lost: list[str]) -> None:
    """Make sure that an accepted batch has a reason, and is not declared lost at the same time."""
    if accept and not reason.strip():
        raise Refused("--accept needs --reason: say in one sentence why the batch counts as settled")
    if reason and not accept:
        raise Refused("--reason belongs to --accept: name the batch with --accept UUID")
    if both := sorted(set(accept) & set(lost)):
        raise Refused(f"batch {', '.join(both)} cannot be accepted and declared lost: choose one")


def _print(sweep: "Sweep", *, as_json: bool) -> int:
    if as_json:
        print_json(sweep.as_json())
    else:
        print("\n".join(_sweep_lines(sweep)), flush=True)
    return 0 if sweep.is_clear else NOT_ALL_SETTLED


def _sweep_lines(sweep: "Sweep") -> Iterator[str]:
    """Describe a sweep in lines: figures, the runs that changed, what is left and what to do about it."""
    from armrest.outbox import RunState
    from armrest.plurals import quantity

    yield sweep.message
    for run in sweep.runs:
        yield f"  run        {run.run_id} · client {run.client_no}: {run.state}, {run.message}"
        if run.state is RunState.PARTLY_FAILED:
            yield f"  next       armrest rerun {run.run_id}"
    for old in sweep.too_old:
        name = old.batch_uuid or f"without a batchUuid, {old.seq}"
        yield f"  too old    batch {name} of run {old.run_id}, open for {old.open_seconds / 3600:.1f} h"
    if sweep.too_old:
        yield "  next       armrest show RUN_ID says why; armrest settle --accept UUID --reason TEXT closes it"
        yield "  next       armrest settle --declare-lost UUID gives it up; armrest rerun sends its customers again"
    for client in sweep.skipped_clients:
        yield f"  skipped    client {client.client_no}: run {client.run_id} is sending for it"
    yield from (f"  trouble    {trouble}" for trouble in sweep.troubles)
    for why, count in Counter(left.why for left in sweep.left_unread).items():
        stay = "stays" if count == 1 else "stay"
        yield f"  unread     {quantity(count, 'answer')} of ARM {stay} out of the ledger: {why}"
    if sweep.unsent:
        yield "  next       armrest resume RUN_ID sends what was not sent; armrest runs lists the runs"

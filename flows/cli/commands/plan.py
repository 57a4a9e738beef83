"""`armrest plan`: shows what a run would do, before `armrest apply` sends it. Without Prefect; sends nothing."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.flags import ClientNo, ClientNoIsRight, Json, with_settings
from flows.cli.output import print_json, print_table, summary_lines
from flows.cli.source_flags import with_source_flags

if TYPE_CHECKING:
    from armrest.app.plan_view import PlanView
    from armrest.app.source_options import SourceOptions
    from armrest.outbox import RunSummary

UserId = Annotated[
    str | None,
    typer.Option("--user-id", metavar="ID", help="User id that ARM records as the author (default: ARMREST_USER_ID)."),
]
UpdateMode = Annotated[
    str,
    typer.Option("--mode", metavar="update|upsert", help="Update existing customers; upsert also creates new ones."),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size", min=1, max=100_000, metavar="N", help="Maximum number of customers per batch (default: 1000)."
    ),
]
ShowValues = Annotated[bool, typer.Option("--show-values", help="Show the plan's sample unmasked, with personal data.")]


@with_settings
@with_source_flags(compares=True)
def plan(
    read: "SourceOptions",
    *,
    client_no: ClientNo,
    user_id: UserId = None,
    mode: UpdateMode = "update",
    batch_size: BatchSize = None,
    client_no_is_right: ClientNoIsRight = 0,
    show_values: ShowValues = False,
    as_json: Json = False,
) -> int:
    """Plan a run and show what it would do: new, changed, rejected and cleared; armrest apply sends it unchanged."""
    from flows.cli.arguments import checked_client, checked_update

    parameters = checked_update(client_no=client_no, user_id=user_id, mode=mode, batch_size=batch_size)
    confirmed = bool(checked_client(client_no, client_no_is_right))
    return print_plan(read, parameters, confirmed=confirmed, show_values=show_values, as_json=as_json)


def print_plan(
    read: "SourceOptions", parameters: dict[str, Any], *, confirmed: bool, show_values: bool, as_json: bool
) -> int:
    """Plan a source, print what the plan would do, and return the command's exit code.

    Args:
        confirmed: The user has confirmed the client number by repeating it.
    """
    from armrest.app.open_run import open_update
    from armrest.app.person import login_name
    from armrest.app.plan_run import plan_run
    from armrest.app.plan_view import plan_view, planned_summary
    from armrest.outbox import RunState
    from flows.cli.progress import show_progress
    from flows.cli.source_check import check_source
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace, show_progress():
        by = login_name() if confirmed else None
        reading = check_source(read, workspace.settings)
        run = open_update(workspace, reading=reading, **parameters, dry_run=True, client_confirmed_by=by)
        planned = planned_summary(plan_run(workspace, run))
        is_planned = planned.state is RunState.COMPLETED
        view = plan_view(workspace.outbox, run.run_id, show_values=show_values) if is_planned else None
    if as_json:
        print_json({**planned.as_json(), **({"plan": view.as_json()} if view else {})})
    else:
        _print(planned, view)
    return planned.exit_code


def _print(planned: "RunSummary", view: "PlanView | None") -> None:
    print("\n".join(summary_lines(planned)))
    if view is None:
        return
    print_table(("plan", ""), view.rows())
    for customer in view.sample:
        print(f"  sample     {json.dumps(customer, ensure_ascii=False)}")
    print(f"  next       armrest apply {planned.run_id}", flush=True)

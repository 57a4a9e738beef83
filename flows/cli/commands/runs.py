"""`armrest update-customers`, `apply`, `rerun` and `resume`: run the flows of these names without a deployment."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.commands.plan import BatchSize, ShowValues, UpdateMode, UserId, print_plan
from flows.cli.flags import (
    ClientNo,
    ClientNoIsRight,
    Deadline,
    Json,
    OptionalRunId,
    RunId,
    Verbose,
    Wait,
    with_settings,
)
from flows.cli.guard_rail_prompt import OnGuard, Yes, approve_past_guard_rail
from flows.cli.output import print_json, print_summaries, print_summary
from flows.cli.source_flags import with_source_flags

if TYPE_CHECKING:
    from armrest.app.source_options import SourceOptions
    from armrest.outbox import RunSummary

PlanId = Annotated[
    str, typer.Argument(metavar="PLAN_ID", help="Id of a run of armrest plan, or of a dry run.", show_default=False)
]


@with_settings
@with_source_flags(compares=True)
def update_customers(
    read: "SourceOptions",
    *,
    client_no: ClientNo,
    user_id: UserId = None,
    mode: UpdateMode = "update",
    batch_size: BatchSize = None,
    deadline: Deadline = "30m",
    wait: Wait = "0s",
    on_guard: OnGuard = "refuse",
    yes: Yes = False,
    client_no_is_right: ClientNoIsRight = 0,
    verify_sample: Annotated[
        int | None,
        typer.Option(
            "--verify-sample", min=1, metavar="N", help="After sending, compare N random updated customers with ARM."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, check and plan, but send nothing.")] = False,
    show_values: ShowValues = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Send a customer file to ARM, and follow every batch to its end."""
    from flows.cli.arguments import checked_client, checked_times, checked_update

    parameters = checked_update(client_no=client_no, user_id=user_id, mode=mode, batch_size=batch_size)
    times = checked_times(deadline=deadline, wait=wait)
    repeated = checked_client(client_no, client_no_is_right)
    if dry_run:
        return print_plan(read, parameters, confirmed=bool(repeated), show_values=show_values, as_json=as_json)

    from flows.cli.preflight import check_ready
    from flows.cli.source_check import check_source
    from tasks.connections import load_settings

    settings = load_settings()
    read = check_source(read, settings)
    check_ready(settings, client_no=client_no, verbose=verbose)
    from flows.cli.run_flow import run_flow
    from flows.update_customers import update_customers as flow

    run = run_flow(flow, read.model_dump() | parameters | times | {"client_no_is_right": repeated})
    if yes or on_guard == "ask":
        run = approve_past_guard_rail(run, yes=yes, asks=on_guard == "ask", times=times)
    return _print_update(run, verify_sample=verify_sample, as_json=as_json)


def _print_update(run: "RunSummary", *, verify_sample: int | None, as_json: bool) -> int:
    """Print the outcome of a run, the findings in its source, and whether ARM holds what was sent."""
    result, code = run.as_json(), run.exit_code
    if not as_json:
        _print_run(run)
    if verify_sample and run.customers.settled:
        from flows.cli.commands.verify import verified_afterwards

        result["verification"], verdict = verified_afterwards(run, sample=verify_sample, as_json=as_json)
        code = max(code, verdict)
    if as_json:
        print_json(result)
    return code


def _print_run(run: "RunSummary") -> None:
    from armrest.app.plan_view import source_findings
    from armrest.outbox import find_run, plan_figures
    from tasks.open_workspace import use_workspace

    print_summary(run, as_json=False)
    with use_workspace() as workspace:
        figures = plan_figures(workspace.outbox.ledger, find_run(workspace.outbox.ledger, run.run_id))
    for what, finding in source_findings(figures):
        print(f"  {what:<10} {finding}", flush=True)


@with_settings
def apply(
    plan_id: PlanId,
    *,
    client_no: Annotated[
        int | None, typer.Option("--client-no", min=1, metavar="N", help="Refuse a plan of another client.")
    ] = None,
    client_no_is_right: ClientNoIsRight = 0,
    deadline: Deadline = "30m",
    wait: Wait = "0s",
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Send an approved plan, byte for byte as it was planned."""
    from flows.cli.arguments import checked_times, require_plan
    from flows.cli.preflight import check_ready
    from tasks.connections import load_settings

    times = checked_times(deadline=deadline, wait=wait)
    run = require_plan(plan_id, client_no=client_no, client_no_is_right=client_no_is_right, wait=wait)
    check_ready(load_settings(), client_no=run.client_no, verbose=verbose, run=run)
    from flows.apply_plan import apply_plan as flow
    from flows.cli.run_flow import run_flow

    return print_summary(run_flow(flow, {"plan_id": run.run_id, **times}), as_json=as_json)


@with_settings
def rerun(
    run_id: OptionalRunId = None,
    *,
    batch_uuid: Annotated[
        list[str] | None,
        typer.Option("--batch-uuid", metavar="UUID", help="Send only what failed in this batch; may be repeated."),
    ] = None,
    client_no: Annotated[
        int | None,
        typer.Option(
            "--client-no",
            min=1,
            metavar="N",
            help="Without a run id: every failed customer of this client that has not succeeded since.",
        ),
    ] = None,
    only: Annotated[
        str,
        typer.Option(
            "--only",
            metavar="failed|lost|all",
            help="Send only what ARM rejected, only what was declared lost, or both.",
        ),
    ] = "all",
    deadline: Deadline = "30m",
    wait: Wait = "0s",
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Send failed customers again: those of a run, of batches, or of a client."""
    from flows.cli.arguments import checked_times, require_failures
    from flows.cli.preflight import check_ready
    from tasks.connections import load_settings

    times = checked_times(deadline=deadline, wait=wait)
    named: dict[str, Any] = {"run_id": run_id, "batch_uuids": batch_uuid or [], "client_no": client_no, "only": only}
    choices = require_failures(**named, wait=wait)
    if not choices:
        return print_summaries([], client_no=client_no, as_json=as_json)

    parent = choices[0].parent
    check_ready(load_settings(), client_no=parent.client_no, verbose=verbose, run=parent)
    from flows.cli.run_flow import run_flows
    from flows.rerun_failed_batches import rerun_failed_batches as flow

    return print_summaries(run_flows(flow, named | times), client_no=client_no, as_json=as_json)


@with_settings
def resume(
    run_id: RunId,
    *,
    client_no: Annotated[
        int | None, typer.Option("--client-no", min=1, metavar="N", help="Refuse a run of another client.")
    ] = None,
    deadline: Deadline = "30m",
    wait: Wait = "0s",
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Resume a run that was killed or stopped, or that ended at its deadline."""
    from flows.cli.arguments import checked_times, require_run
    from flows.cli.preflight import check_ready
    from tasks.connections import load_settings

    times = checked_times(deadline=deadline, wait=wait)
    run = require_run(run_id, client_no=client_no, wait=wait)
    check_ready(load_settings(), client_no=run.client_no, verbose=verbose, run=run)
    from flows.cli.run_flow import run_flow
    from flows.resume_run import resume_run as flow

    return print_summary(run_flow(flow, {"run_id": run.run_id, **times}), as_json=as_json)

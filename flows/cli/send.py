"""`armrest update-customers`, `rerun` and `resume`: the flows of these names, without a deployment."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.flags import ClientNo, Deadline, Json, OptionalRunId, RunId, Source, Verbose, Wait, with_settings
from flows.cli.output import print_summaries, print_summary


@with_settings
def update_customers(
    source: Source,
    *,
    client_no: ClientNo,
    user_id: Annotated[
        str | None,
        typer.Option("--user-id", metavar="ID", help="Who the update is by (default: ARMREST_USER_ID)."),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", metavar="update|upsert", help="upsert also creates what ARM does not have.")
    ] = "update",
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size", min=1, max=100_000, metavar="N", help="Customers per batch, at most (default: 1000)."
        ),
    ] = None,
    deadline: Deadline = "30m",
    max_rejected: Annotated[
        str, typer.Option("--max-rejected", metavar="N|N%", help="Send nothing when more rows than this are at fault.")
    ] = "5%",
    wait: Wait = "0s",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, check and plan, but send nothing.")] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Bring a customer file over to ARM, and see every batch of it through."""
    from armrest.intake import open_source
    from flows.cli.parameters import checked_update

    parameters = checked_update(
        source=source,
        client_no=client_no,
        user_id=user_id,
        mode=mode,
        batch_size=batch_size,
        deadline=deadline,
        max_rejected=max_rejected,
        wait=wait,
    )
    open_source(source)  # what is wrong with its header is told at once: Prefect takes ten seconds
    parameters["source"] = str(Path(source).expanduser().absolute())
    if dry_run:
        return _dry_run(parameters, as_json=as_json)

    from flows.cli.ready import ready
    from tasks.connection import load_settings

    ready(load_settings(), client_no=client_no, verbose=verbose)
    from flows.cli.carry_out import carry_out
    from flows.update_customers import update_customers as flow

    return print_summary(carry_out(flow, parameters), as_json=as_json)


def _dry_run(parameters: dict[str, Any], *, as_json: bool) -> int:
    from flows.cli.progress import shown
    from tasks.chunk import planned_for
    from tasks.connection import connection
    from tasks.runs import open_update

    given = {name: value for name, value in parameters.items() if name not in {"deadline", "wait"}}
    with connection() as here, shown():
        planned = planned_for(here, open_update(here, **given, dry_run=True))
    if planned.state == "Planned":
        message = f"dry run: {planned.batches.planned} batches planned, nothing sent"
        planned = replace(planned, state="Completed", message=message)
    return print_summary(planned, as_json=as_json)


@with_settings
def rerun(
    run_id: OptionalRunId = None,
    *,
    batch_uuid: Annotated[
        list[str] | None,
        typer.Option("--batch-uuid", metavar="UUID", help="Only what failed in this batch; may be repeated."),
    ] = None,
    client_no: Annotated[
        int | None,
        typer.Option(
            "--client-no", min=1, metavar="N", help="Alone: all that failed of this client and is not healed."
        ),
    ] = None,
    only: Annotated[
        str,
        typer.Option("--only", metavar="failed|lost|all", help="What ARM refused, what was declared lost, or both."),
    ] = "all",
    deadline: Deadline = "30m",
    wait: Wait = "0s",
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Send again what failed: in a run, in batches, or all of a client."""
    from flows.cli.parameters import checked_times, chosen_failures
    from flows.cli.ready import ready
    from tasks.connection import load_settings

    times = checked_times(deadline=deadline, wait=wait)
    named: dict[str, Any] = {"run_id": run_id, "batch_uuids": batch_uuid or [], "client_no": client_no, "only": only}
    choices = chosen_failures(**named, wait=wait)
    if not choices:
        return print_summaries([], client_no=client_no, as_json=as_json)

    parent = choices[0].parent
    ready(load_settings(), client_no=parent.client_no, verbose=verbose, api_url=parent.api_url)
    from flows.cli.carry_out import carry_out_all
    from flows.rerun_failed_batches import rerun_failed_batches as flow

    return print_summaries(carry_out_all(flow, named | times), client_no=client_no, as_json=as_json)


@with_settings
def resume(
    run_id: RunId,
    *,
    client_no: Annotated[
        int | None, typer.Option("--client-no", min=1, metavar="N", help="Refuse, if the run is another client's.")
    ] = None,
    deadline: Deadline = "30m",
    wait: Wait = "0s",
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Go on with a run that was killed, stopped, or ended at its deadline."""
    from flows.cli.parameters import checked_times, known_run
    from flows.cli.ready import ready
    from tasks.connection import load_settings

    times = checked_times(deadline=deadline, wait=wait)
    run = known_run(run_id, client_no=client_no, wait=wait)
    ready(load_settings(), client_no=run.client_no, verbose=verbose, api_url=run.api_url)
    from flows.cli.carry_out import carry_out
    from flows.resume_run import resume_run as flow

    return print_summary(carry_out(flow, {"run_id": run.run_id, **times}), as_json=as_json)

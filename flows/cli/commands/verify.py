"""`armrest verify`: compares ARM with a source. Without Prefect; sends nothing."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from armrest.app.source_parameters import ComparedSource
from armrest.plurals import quantity
from flows.cli.errors import Refused
from flows.cli.flags import Json, with_settings
from flows.cli.output import print_error, print_json, print_table
from flows.cli.source_flags import with_source_flags

if TYPE_CHECKING:
    from armrest.app.source_options import SourceOptions
    from armrest.outbox import RunSummary
    from armrest.reconcile import Verification

DRIFT: Final = 1
MOST_SHOWN: Final = 20
USAGE: Final = "name what to compare with: a SOURCE and --client-no N, or --run RUN_ID"


@with_settings
@with_source_flags(compares=False, model=ComparedSource, is_optional=True)
def verify(
    read: "SourceOptions | None",
    *,
    client_no: Annotated[
        int | None, typer.Option("--client-no", min=1, metavar="N", help="The client's number in ARM.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="RUN_ID", help="Compare with the customers that this run has settled, instead of a file."
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, metavar="N", help="Compare only N random customers.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.csv", help="CSV for the differences, with values.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Compare ARM's records with a customer file, field by field. Exit code 0: they are equal; 1: they differ.

    The command prints customer numbers and field names only; the values go to a CSV that only you can read.
    """
    from armrest.app.verification import verify_run, verify_source
    from tasks.connections import load_settings
    from tasks.open_workspace import use_workspace

    options: dict[str, Any] = {"sample": sample, "on_progress": _print_progress}
    options["drift_file"] = output.expanduser().absolute() if output else None
    if run is not None and read is None and client_no is None:
        with use_workspace() as workspace:
            verification = asyncio.run(verify_run(workspace, run, **options))
    elif run is None and read is not None and client_no is not None:
        verification = asyncio.run(verify_source(load_settings(), read, client_no, **options))
    else:
        raise Refused(USAGE)
    if as_json:
        print_json(verification.as_json())
    else:
        _print(verification)
    return 0 if verification.equal else DRIFT


def verified_afterwards(run: "RunSummary", *, sample: int, as_json: bool) -> tuple[dict[str, Any], int]:
    """Compare customers that a run has just settled with ARM; return the result and an exit code."""
    from armrest.api import ArmError
    from armrest.app.verification import verify_run
    from tasks.open_workspace import use_workspace

    try:
        with use_workspace() as workspace:
            verification = asyncio.run(verify_run(workspace, run.run_id, sample=sample, on_progress=_print_progress))
    except ArmError as error:  # what was sent stays sent
        message = f"could not be verified: {error}"
        print_error(f"armrest: {message}")
        return {"equal": None, "message": message}, DRIFT
    if not as_json:
        _print(verification)
    return verification.as_json(), 0 if verification.equal else DRIFT


def _print_progress(customers: int) -> None:
    if customers % 10_000 == 0:
        print_error(f"{quantity(customers, 'customer')} compared")


def _print(verification: "Verification") -> None:
    print(verification.message)
    if verification.rejected:
        print(f"{quantity(verification.rejected, 'row')} rejected and not compared: see armrest check")
    if verification.named:
        rows = [
            (difference.customer_no, difference.drift, ", ".join(difference.fields))
            for difference in verification.named[:MOST_SHOWN]
        ]
        print_table(("customer", "drift", "fields"), rows)
    if verification.file:
        print(f"all differences, with values: {verification.file}")

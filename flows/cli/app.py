"""The command `armrest`. It reports errors in one line on stderr; with `--json`, it ends with one JSON object."""

import functools
import logging
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any

import typer
import typer.main

from flows.cli.commands.api import api
from flows.cli.commands.archive import archive
from flows.cli.commands.check import check
from flows.cli.commands.demo import demo
from flows.cli.commands.doctor import doctor
from flows.cli.commands.export import export
from flows.cli.commands.fetch import fetch_customers
from flows.cli.commands.forget import forget
from flows.cli.commands.health import health
from flows.cli.commands.ledger import ledger
from flows.cli.commands.login import login
from flows.cli.commands.mapping import mapping
from flows.cli.commands.metrics import metrics
from flows.cli.commands.plan import plan
from flows.cli.commands.probe import probe
from flows.cli.commands.purge import purge
from flows.cli.commands.runs import apply, rerun, resume, update_customers
from flows.cli.commands.sandbox import sandbox
from flows.cli.commands.settle import settle
from flows.cli.commands.show import customer, runs, show
from flows.cli.commands.update_customer import update_customer
from flows.cli.commands.verify import verify
from flows.cli.errors import explain
from flows.cli.output import print_error, print_json
from flows.cli.prefect_env import leave

app = typer.Typer(
    name="armrest",
    help="Bring a company's customer master into Amili's ARM, and show the outcome for every customer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    update_customers,
    update_customer,
    plan,
    apply,
    rerun,
    resume,
    settle,
    check,
    runs,
    show,
    customer,
    verify,
    fetch_customers,
    api,
    login,
    doctor,
    health,
    probe,
    export,
    metrics,
    forget,
    purge,
    archive,
    sandbox,
    demo,
):
    app.command()(command)
app.add_typer(mapping, name="mapping")
app.add_typer(ledger, name="ledger")


@app.callback()
def armrest(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda requested: _print_version(requested=requested),
            is_eager=True,
            help="Show the version.",
        ),
    ] = False,
) -> None:
    """Bring a company's customer master into Amili's ARM, and show the outcome for every customer."""


def _print_version(*, requested: bool) -> None:
    if requested:
        typer.echo(f"armrest {metadata.version('armrest-flows')}")
        raise typer.Exit


def main() -> None:
    """Run the command in `sys.argv`, and exit with its exit code."""
    leave(run(sys.argv[1:]))


@functools.cache
def command_tree() -> Any:
    """Return all commands as click has them. Typer would build them for each call, which takes longer than most do."""
    return typer.main.get_command(app)


def run(arguments: Sequence[str]) -> int:
    """Run a command; return 0 if all of it is done, 1 if it sent but not all is settled, 2 if it sent nothing."""
    logging.lastResort = None  # a library without a handler would write to the terminal
    logging.raiseExceptions = "--debug" in arguments  # Prefect's handler would write that its server is away
    try:
        return int(command_tree()(list(arguments), prog_name="armrest", standalone_mode=False) or 0)
    except Exception as error:  # noqa: BLE001  the user gets one line for any error
        if "--debug" in arguments:
            traceback.print_exc()
        refusal = explain(error)
        print_error(f"armrest: {refusal.message}")
        if "--json" in arguments:
            print_json(refusal.as_json(client_no_of(arguments)))
        return refusal.exit_code


def client_no_of(arguments: Sequence[str]) -> int | None:
    """Return the client number in the arguments, even if the rest of them is invalid."""
    text = " ".join(arguments).replace("--client-no=", "--client-no ")
    words = text.split()
    after = words[words.index("--client-no") + 1 :] if "--client-no" in words else []
    return int(after[0]) if after and after[0].isdecimal() else None

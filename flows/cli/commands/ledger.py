"""`armrest ledger`: copies the ledger, and checks it against the store. Without Prefect; sends nothing."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from armrest.plurals import quantity
from flows.cli.errors import NOT_ALL_SETTLED
from flows.cli.flags import Json, with_settings
from flows.cli.output import print_json

ledger = typer.Typer(
    help="Copy the ledger, and check that it and the stored bodies belong together.", no_args_is_help=True
)


@ledger.command()
@with_settings
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="New file for the copy.", show_default=False)],
    *,
    as_json: Json = False,
) -> int:
    """Copy the ledger to a file while runs go on, and say what else has to be copied."""
    from armrest.outbox import back_up
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        size = back_up(workspace.outbox.ledger, target.expanduser())
        then_copy = [workspace.outbox.bodies.name, str(workspace.rejects_folder)]
    if as_json:
        print_json({"file": str(target), "bytes": size, "then_copy": then_copy})
    else:
        print(
            f"Copied the ledger to {target} ({quantity(size, 'byte')}). Without the bodies it is useless, so now copy"
        )
        print(f"  first      {then_copy[0]}")
        print(f"  then       {then_copy[1]}")
    return 0


@ledger.command()
@with_settings
def check(
    *,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Build the table of current lines again from the history; nothing can be sent meanwhile."
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Check the ledger, and that every body that may still be sent is in the store as it was planned."""
    from armrest.outbox import check_outbox, rebuild_current_lines
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        findings = []
        for finding in check_outbox(workspace.outbox):
            findings.append(finding)
            if not as_json:
                print(f"{'✗' if finding.needs_action else '·'} {finding.message}", flush=True)
        rebuilt = rebuild_current_lines(workspace.outbox.ledger) if rebuild else None
    wrong = sum(finding.needs_action for finding in findings)
    message = (
        f"{wrong} of {quantity(len(findings), 'finding')} to act on"
        if wrong
        else "The ledger and the store belong together"
    )
    if as_json:
        report = {"findings": list(map(asdict, findings)), "need_action": wrong, "message": message}
        print_json(report | ({} if rebuilt is None else {"rebuilt": rebuilt}))
    else:
        if rebuilt is not None:
            print(f"Made again from history: {rebuilt:,} current lines")
        print(message)
    return NOT_ALL_SETTLED if wrong else 0


@ledger.command()
@with_settings
def migrate(
    *,
    backup_file: Annotated[
        Path | None, typer.Option("--backup", metavar="FILE", help="New file for a copy of the ledger as it is.")
    ] = None,
    without_backup: Annotated[
        bool, typer.Option("--without-backup", help="Make no copy first: you have one, for example by pg_dump.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Migrate a large ledger of an older version, after a copy; nothing can be sent meanwhile."""
    from armrest.app.workspace import ledger_url_of
    from armrest.outbox import Ledger, back_up, migrate_ledger
    from flows.cli.errors import Refused
    from tasks.connections import load_settings

    if without_backup is (backup_file is not None):
        raise Refused("name a new file for a copy of the ledger with --backup FILE, or say --without-backup")

    def back_up_first(old: Ledger) -> None:
        if backup_file is not None:
            back_up(old, backup_file.expanduser())

    before, after = migrate_ledger(ledger_url_of(load_settings("")), back_up_first)
    message = f"Migrated the ledger from version {before} to {after}" if before < after else "Nothing to migrate"
    if as_json:
        print_json({"from": before, "to": after, "message": message})
    else:
        print(message)
    return 0

"""`armrest update-customer`: updates one customer at once. Without Prefect."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.errors import Refused
from flows.cli.flags import ClientNo, Json, with_settings
from flows.cli.output import print_json, print_summary, print_table

if TYPE_CHECKING:
    from armrest.app.single_update import SingleUpdate


@with_settings
def update_customer(
    *,
    client_no: ClientNo,
    customer_no: Annotated[
        str, typer.Option("--customer-no", metavar="NO", help="Customer number.", show_default=False)
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Set a field, such as phoneNo=91234567; may be repeated."),
    ] = None,
    clear: Annotated[
        list[str] | None, typer.Option("--clear", metavar="FIELD", help="Clear this field; may be repeated.")
    ] = None,
    user_id: Annotated[
        str | None,
        typer.Option(
            "--user-id", metavar="ID", help="User id that ARM records as the author (default: ARMREST_USER_ID)."
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Update one customer at once, and show what changes.

    Fields have the names of a customer file's columns. ARM replaces the postal address as a whole; parts that you do
    not set keep their values. The update is refused while the customer is in an open batch.
    """
    from armrest.app.single_update import update_single_customer
    from tasks.open_workspace import use_workspace

    values, blanked = _values(set_ or []), clear or []
    if twice := values.keys() & set(blanked):
        raise Refused(f"--set and --clear both name {min(twice)}: keep one of them")
    if not values and not blanked:
        raise Refused("nothing to change: name a field with --set FIELD=VALUE or --clear FIELD")
    with use_workspace() as workspace:
        result = asyncio.run(
            update_single_customer(workspace, client_no, customer_no, values=values, clear=blanked, user_id=user_id)
        )
    if as_json:
        print_json({**result.run.as_json(), "customer_no": customer_no, "fields": result.fields})
        return result.run.exit_code
    _print_changes(result)
    return print_summary(result.run, as_json=False)


def _values(assignments: list[str]) -> dict[str, str]:
    """Return the new values by field; an error message never shows a value."""
    values: dict[str, str] = {}
    for assignment in assignments:
        field, equals, value = assignment.partition("=")
        if not equals:
            raise Refused("--set: write FIELD=VALUE, such as phoneNo=91234567; to clear a field: --clear FIELD")
        if not value.strip():
            raise Refused(f"--set {field}: write FIELD=VALUE; to clear a field: --clear FIELD")
        if field in values:
            raise Refused(f"--set names {field} twice: keep one of them")
        values[field] = value
    return values


def _print_changes(result: "SingleUpdate") -> None:
    if result.changes is None:
        print(f"ARM does not show the old values of {', '.join(result.fields)}")
    elif result.changes:
        print_table(("field", "old", "new"), [(name, old, new) for name, (old, new) in result.changes.items()])
    else:
        print("ARM had these values already; they were sent anyway")

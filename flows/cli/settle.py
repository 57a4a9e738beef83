"""`armrest settle`: what was open is asked about again, and closed on the run that it belongs to."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.flags import Json, Verbose, with_settings
from flows.cli.output import print_json
from flows.cli.refusals import NOT_ALL_SETTLED

if TYPE_CHECKING:
    from armrest.delivery import Sweep


@with_settings
def settle(
    *,
    declare_lost: Annotated[
        list[str] | None,
        typer.Option(
            "--declare-lost", metavar="UUID", help="Give up this batch, if it is still open; may be repeated."
        ),
    ] = None,
    lost_after: Annotated[
        str | None,
        typer.Option("--lost-after", metavar="TIME", help="Give up every batch that is open for longer (7d)."),
    ] = None,
    deadline: Annotated[
        str, typer.Option("--deadline", metavar="TIME", help="End after this long, where something is to be sent.")
    ] = "1m",
    as_json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Ask about all open batches again, of all clients, and close what is done; customers that waited are sent."""
    from armrest.delivery import Sweep, assert_open
    from armrest.outbox import unfinished_runs
    from flows.cli.parameters import checked_times
    from tasks.connection import connection, required_api_url

    times = checked_times(deadline=deadline, **({"lost-after": lost_after} if lost_after else {}))
    with connection() as here:
        api_url = required_api_url(here.settings)
        assert_open(here.outbox, api_url, declare_lost or [])
        is_idle = not unfinished_runs(here.outbox.ledger, api_url)
    if is_idle:
        return _print(Sweep(), as_json=as_json)
    return _print(_sweep(declare_lost, lost_after, times["deadline"], verbose=verbose), as_json=as_json)

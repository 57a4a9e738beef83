"""`armrest forget`: resets the baseline of --changes-only for a client. Without Prefect; sends nothing."""

from armrest.plurals import quantity
from flows.cli.flags import ClientNo, Json, with_settings
from flows.cli.output import print_json


@with_settings
def forget(*, client_no: ClientNo, as_json: Json = False) -> int:
    """Forget what was sent for a client, so that the next run with --changes-only sends all of its customers."""
    from armrest.app.workspace import required_api_url
    from armrest.outbox import reset_baseline as forget_sent
    from tasks.open_workspace import use_workspace

    with use_workspace() as workspace:
        runs = forget_sent(workspace.outbox.ledger, api_url=required_api_url(workspace.settings), client_no=client_no)
    if as_json:
        print_json({"client_no": client_no, "runs": runs})
    else:
        forgotten = f"{quantity(runs, 'run')} of client {client_no} forgotten"
        print(f"{forgotten}: the next --changes-only run sends all of its customers")
    return 0

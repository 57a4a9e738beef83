"""The flow `inbox`: shows the files in the inbox of the worker."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from prefect import flow
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.environment import SettingsRefused
from armrest.app.inbox_files import MOST_FILES, count_unchecked, read_inbox
from armrest.plurals import quantity
from flows.artifacts import inbox_rows, write_table
from flows.steps import flow_run_id
from tasks.open_workspace import use_workspace

KEY: Final = "arm-inbox"


@flow(name="inbox", flow_run_name="files in the inbox", retries=0)
async def inbox() -> State:
    """Show the files in the inbox: how old and how large each is, and whether a run has checked it; change nothing.

    The artifact `arm-inbox` has a row for each file, the newest first. A file counts as checked if a run has read it
    since it was last written; a dry run counts, too.
    """
    with use_workspace() as workspace:
        try:
            files = await asyncio.to_thread(read_inbox, workspace.settings, workspace.outbox.ledger)
        except SettingsRefused as refusal:
            return Failed(name="NotReady", message=str(refusal))
    unchecked = count_unchecked(files)
    more = f"; the newest {MOST_FILES:,} are shown" if len(files) > MOST_FILES else ""
    number = quantity(len(files), "file")
    message = f"{number} in the inbox, {unchecked:,} not checked since last written{more}" if files else "no files"
    await write_table(flow_run_id(), KEY, inbox_rows(files[:MOST_FILES], datetime.now(UTC)), message)
    return Completed(message=message)

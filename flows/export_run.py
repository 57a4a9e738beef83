"""The flow `export-run`: writes a run to a file on the worker."""

import asyncio
import socket

from prefect import flow, runtime
from prefect.client.schemas import State
from prefect.states import Completed, Failed

from armrest.app.run_file import FileFormat, export_run_file
from armrest.outbox import ExportRefused, RunState, UnknownRun
from armrest.plurals import quantity
from flows.artifacts import export_markdown, write_answer
from flows.form import form
from flows.parameters import RunName
from flows.steps import flow_run_id
from tasks.open_workspace import use_workspace


def name_of_run() -> str:
    """Name the exported run in the list of runs."""
    return f"export of {str(runtime.flow_run.parameters['run_id']).strip()}"


@flow(name="export-run", flow_run_name=name_of_run, retries=0)
@form("run_id")
async def export_run(run_id: RunName, file_format: FileFormat = "xlsx") -> State:
    """Write a run to a file on the worker, with one line for each customer; change nothing.

    Each line has the customer number, the outcome, the batchUuid, the reason and the time. The artifact `arm-export-…`
    names the worker and the file. Only the account of the worker may read the file, and `purge` removes it later.

    Args:
        run_id: The run to export: its id in the summary, or the id of its flow run.
        file_format: xlsx is for Excel, up to a million customers; csv and parquet hold more.
    """
    with use_workspace() as workspace:
        try:
            file = await asyncio.to_thread(
                export_run_file, workspace.settings, workspace.outbox.ledger, run_id, file_format
            )
        except (UnknownRun, ExportRefused) as refusal:
            return Failed(name=RunState.INPUT_REJECTED, message=f"run_id: {refusal}")
    message = f"{quantity(file.lines, 'customer')} of run {file.run_id} in {file.path} on {socket.gethostname()}"
    await write_answer(flow_run_id(), f"arm-export-{file.client_no}", export_markdown(file, message), message)
    return Completed(message=message)

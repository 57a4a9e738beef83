"""A run as a file: one line for each customer, in a folder of the home."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from armrest.app.environment import home, private
from armrest.outbox import Ledger, export, find_run
from armrest.settings import Settings

FileFormat = Literal["xlsx", "csv", "parquet"]


@dataclass(frozen=True, slots=True)
class RunFile:
    """The file of a run, on the machine that wrote it; `lines` counts the customers in it."""

    run_id: str
    client_no: int
    path: Path
    lines: int


def exports_folder(settings: Settings) -> Path:
    """Return the folder of exported runs, which only its owner can read; `purge` removes old files from it."""
    return private(home(settings) / "exports")


def export_run_file(settings: Settings, ledger: Ledger, run_or_flow_run_id: str, file_format: FileFormat) -> RunFile:
    """Write the outcome of every customer of a run to a file; an earlier export of the run is replaced.

    Raises:
        UnknownRun: The ledger has no such run.
        ExportRefused: The folder cannot be written, or Excel has too few rows.
        SettingsRefused: The folder cannot be created.
    """
    run = find_run(ledger, run_or_flow_run_id)
    path = exports_folder(settings) / f"{run.run_id}.{file_format}"
    return RunFile(run.run_id, run.client_no, path, export(ledger, run, path))
